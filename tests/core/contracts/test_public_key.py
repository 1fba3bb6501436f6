"""Public keys and fingerprints, beside `ssh-keygen -l`."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.public_key import PublicKey, parse_fingerprint

needs_ssh_keygen = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="install OpenSSH's ssh-keygen (openssh-client)")

KEY = PublicKey.of("ssh-ed25519", bytes(range(32)))


@pytest.fixture(params=["ed25519", "rsa", "ecdsa"])
def line(request: pytest.FixtureRequest) -> str:
    private: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    match request.param:
        case "ed25519":
            private = ed25519.Ed25519PrivateKey.generate()
        case "rsa":
            private = rsa.generate_private_key(65537, 2048)
        case _:
            private = ec.generate_private_key(ec.SECP256R1())
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def test_a_key_reads_as_it_was_written(line: str) -> None:
    key = PublicKey.parse(line)
    assert str(key) == line
    assert key.type == line.split(" ")[0]
    assert PublicKey.of(key.type, *key.fields) == key
    assert line.split(" ")[1] not in repr(key)


@needs_ssh_keygen
def test_the_fingerprint_is_the_one_of_ssh_keygen(line: str, tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(line + " somebody\n")
    shown = subprocess.run(["ssh-keygen", "-l", "-f", tmp_path / "key.pub"], capture_output=True, text=True, check=True).stdout
    assert shown.split()[1] == PublicKey.parse(line).fingerprint == parse_fingerprint(shown.split()[1])


def test_every_cut_and_every_lie_about_the_type_is_refused() -> None:
    line = str(KEY)
    for end in range(len(line)):
        with pytest.raises(ValueError, match="key"):
            PublicKey.parse(line[:end])
    for wrong in (
        "ssh-rsa " + line.split()[1],
        line + " ",
        line + "\n",
        line + "AAAA",
        " " + line,
        line.replace(" ", "  "),
        line + "é",
    ):
        with pytest.raises(ValueError, match="key"):
            PublicKey.parse(wrong)


@pytest.mark.parametrize(
    "blob",
    [b"", b"\0\0\0\1a", b"\0\0\0\0" * 2, b"\0\0\0\3a b\0\0\0\0", b"\0\0\0\3a\nb\0\0\0\0", KEY.blob + b"\0", bytes(1 << 15)],
)
def test_what_is_no_key_is_refused(blob: bytes) -> None:
    with pytest.raises(ValueError, match="key"):
        PublicKey(blob)


@given(st.text(max_size=200))
def test_any_text_is_a_key_or_a_value_error(text: str) -> None:
    try:
        key = PublicKey.parse(text)
    except ValueError:
        return
    assert key.type == text.split(" ")[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        KEY.fingerprint[:-1],
        KEY.fingerprint + "A",
        KEY.fingerprint + "=",
        KEY.fingerprint[7:],
        "MD5:" + "0" * 43,
        "SHA256:" + "A" * 42 + "B",
        KEY.fingerprint + "\n",
    ],
)
def test_a_part_of_a_fingerprint_is_no_fingerprint(text: str) -> None:
    with pytest.raises(ValueError, match="43 characters"):
        parse_fingerprint(text)
