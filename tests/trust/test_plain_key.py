"""A key file without a passphrase is read as the library reads it, and everything else is left to the library."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from plytalk.trust.plain_key import plain_key

needs_ssh_keygen = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="install OpenSSH's ssh-keygen (openssh-client)")


def written(key: object, passphrase: bytes = b"") -> bytes:
    lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, lock)  # type: ignore[attr-defined]


def seed_in(content: bytes) -> bytes | None:
    key = plain_key(content)
    return key and key.private_bytes_raw()


def armoured(data: bytes) -> bytes:
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64.encodebytes(data) + b"-----END OPENSSH PRIVATE KEY-----\n"


def test_what_the_library_wrote_is_read() -> None:
    for _ in range(20):
        key = Ed25519PrivateKey.generate()
        assert seed_in(written(key)) == key.private_bytes_raw()
        assert seed_in(written(key).replace(b"\n", b"\r\n")) == key.private_bytes_raw()


@needs_ssh_keygen
@pytest.mark.parametrize("comment", ["", "a", "erin@example.org", "sixteen letters.", "ü" * 40])
def test_what_ssh_keygen_wrote_is_read(tmp_path: Path, comment: str) -> None:
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file], check=True)
    key = serialization.load_ssh_private_key(file.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    assert seed_in(file.read_bytes()) == key.private_bytes_raw()


def test_other_keys_and_other_files_are_left_to_the_library() -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for content in (b"", b"x", pem, written(key)[:-40], written(key) + b"x", written(generate_private_key(SECP256R1()))):
        assert seed_in(content) is None


def test_a_key_under_a_passphrase_is_left_to_the_library() -> None:
    pytest.importorskip("bcrypt", reason="passphrases need it: pip install bcrypt")
    assert seed_in(written(Ed25519PrivateKey.generate(), b"secret")) is None


def test_whatever_byte_is_changed_it_is_never_read_as_another_key() -> None:
    key = Ed25519PrivateKey.generate()
    data = base64.b64decode(b"".join(written(key).splitlines()[1:-1]))
    assert seed_in(armoured(data)) == key.private_bytes_raw()
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        assert seed_in(armoured(changed)) is None
    for length in range(len(data)):
        assert seed_in(armoured(data[:length])) is None
    assert seed_in(armoured(data + bytes(range(1, 9)))) is None
