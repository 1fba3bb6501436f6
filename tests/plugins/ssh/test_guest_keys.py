"""The host key, and keys of guests that prove something."""

import os
import stat
from pathlib import Path

import asyncssh
import pytest

from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.ssh.guest_keys import identity_of, load_host_key
from plytalk.trust.identity import create
from plytalk.trust.store_errors import StoreError


def nobody(path: Path) -> str:
    raise AssertionError(f"a passphrase is asked for, of {path}")


def test_the_host_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "ssh_host_key"
    made = load_host_key(file, nobody)
    again = load_host_key(file, nobody)
    assert (made.is_new, again.is_new) == (True, False)
    assert made.fingerprint == again.fingerprint == made.key.get_fingerprint()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_host_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ssh_host_key"
    load_host_key(file, nobody)
    os.chmod(file, 0o644)
    with pytest.raises(StoreError, match="other users can read"):
        load_host_key(file, nobody)


def test_a_passphrase_is_asked_for_once(tmp_path: Path) -> None:
    file, asked = tmp_path / "key", []
    create(file, "correct horse")

    def ask(path: Path) -> str:
        asked.append(path)
        return "correct horse"

    key = load_host_key(file, ask)
    assert key.fingerprint == key.key.get_fingerprint()
    assert asked == [file]


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp521"])
def test_a_key_is_an_identity_with_its_fingerprint(kind: str) -> None:
    key = asyncssh.generate_private_key(kind)
    identity = identity_of(key)
    assert identity is not None
    assert (identity.algorithm, identity.fingerprint) == (kind, key.get_fingerprint())
    assert identity.is_openssh


@pytest.mark.parametrize(("bits", "counts"), [(1024, False), (2048, True)])
def test_a_short_rsa_key_proves_nothing(bits: int, counts: bool) -> None:
    assert (identity_of(asyncssh.generate_private_key("ssh-rsa", key_size=bits)) is not None) is counts


@pytest.mark.parametrize("kind", ["ssh-dss", "ssh-ed448"])
def test_kinds_of_keys_that_openssh_does_not_make_prove_nothing(kind: str) -> None:
    assert identity_of(asyncssh.generate_private_key(kind)) is None


def test_a_signature_with_sha1_is_refused() -> None:
    private = asyncssh.generate_private_key("ssh-rsa")
    signatures = [private.sign(b"words", name) for name in (b"ssh-rsa", b"rsa-sha2-256")]
    key = private.convert_to_public()
    assert all(key.verify(b"words", signature) for signature in signatures)
    assert identity_of(key) is not None
    assert [key.verify(b"words", signature) for signature in signatures] == [False, True]


@pytest.mark.parametrize("point", [0, 1, 2**255 - 20])
def test_a_point_of_small_order_proves_nothing(point: int) -> None:
    """With such a key, a signature for every message can be written down."""
    blob = PublicKey.of("ssh-ed25519", point.to_bytes(32, "little")).blob
    assert identity_of(asyncssh.public_key.decode_ssh_public_key(blob)) is None
