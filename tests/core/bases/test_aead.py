"""Ciphers of the form nonce, ciphertext, tag."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plytalk.core.bases import aead
from plytalk.core.bases.aead import MAX_SEALED, NONCE, POOL, RandomNonceCipher
from plytalk.core.contracts.errors import HandshakeFailed, LocalError, Tampered
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.testing import check_cipher

KEY = bytes(range(32))


class Gcm(RandomNonceCipher):
    """AES-GCM."""

    name = "gcm"

    @classmethod
    def primitive(cls, key: bytes | bytearray) -> AESGCM:
        return AESGCM(key)


class Weakened(Gcm):
    """The same nonce for every message."""

    def _draw(self) -> None:
        self._nonces += [bytes(NONCE)]


def cipher(make: type[RandomNonceCipher] = Gcm) -> RandomNonceCipher:
    return make(SessionSecrets.shared(KEY), Role.INITIATOR)


def test_it_passes_the_kit() -> None:
    check_cipher(Gcm)


def test_without_fresh_nonces_it_does_not() -> None:
    with pytest.raises(AssertionError, match="same words look the same twice"):
        check_cipher(Weakened)


def test_a_message_is_nonce_ciphertext_tag() -> None:
    sealed = cipher().seal(b"hello")
    assert len(sealed) == 12 + 5 + 16
    assert AESGCM(KEY).decrypt(sealed[:12], sealed[12:], None) == b"hello"


def test_no_nonce_comes_twice() -> None:
    sealer = cipher()
    nonces = [sealer.seal(b"")[:NONCE] for _ in range(3 * POOL // NONCE)]
    assert len(set(nonces)) == len(nonces)


def test_whatever_is_wrong_there_is_one_answer() -> None:
    sealed = cipher().seal(b"hello")
    said = set()
    for wrong in (b"", sealed[:5], sealed[:12], sealed[:27], sealed[:-1], sealed + b"\0", bytes(len(sealed))):
        with pytest.raises(Tampered) as failure:
            cipher().open(wrong)
        assert failure.value.__cause__ is None
        assert failure.value.__suppress_context__
        said.add(str(failure.value))
    assert len(said) == 1


def test_a_key_that_can_be_overwritten_is_overwritten() -> None:
    key = bytearray(KEY)
    sealer = Gcm(SessionSecrets.shared(key), Role.INITIATOR)
    assert key == bytes(32)
    assert cipher().open(sealer.seal(b"hello")) == b"hello"


def test_a_key_that_the_primitive_goes_on_using_is_left_as_it_is() -> None:
    class Refers:
        def __init__(self, key: bytes | bytearray) -> None:
            self._key = key

        def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
            return AESGCM(self._key).encrypt(nonce, data, associated_data)

        decrypt = encrypt

    class Referring(Gcm):
        @classmethod
        def primitive(cls, key: bytes | bytearray) -> Refers:  # type: ignore[override]
            return Refers(key)

    key = bytearray(KEY)
    sealer = Referring(SessionSecrets.shared(key), Role.INITIATOR)
    assert key == KEY
    assert cipher().open(sealer.seal(b"hello")) == b"hello"


@pytest.mark.parametrize("length", [0, 1, 16, 31, 33])
def test_a_key_of_another_length_is_refused_without_being_shown(length: int) -> None:
    with pytest.raises(HandshakeFailed, match=rf"a key of {length} bytes; the cipher `gcm` takes \(32,\)"):
        Gcm(SessionSecrets.shared(bytes(length)), Role.INITIATOR)


def test_it_stops_before_random_nonces_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Near 2^32 messages under one key: a hard stop, no wrap (NIST SP 800-38D, section 8.3)."""
    monkeypatch.setattr(aead, "MAX_SEALED", 2 * POOL)
    sealer = cipher()
    for _ in range(2 * POOL):
        sealer.seal(b"")
    for _ in range(2):
        with pytest.raises(LocalError, match="under one key") as failure:
            sealer.seal(b"")
        assert failure.value.hint == "Start a new conversation."
    assert MAX_SEALED == 2**32


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, which this system has not")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_cannot_seal_at_all() -> None:
    """Parent and child would take the same nonces from the pool."""
    sealer = cipher()
    sealer.seal(b"the pool is filled")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = sealer.seal(b"hello")
        except LocalError as error:
            answer = str(error).encode()
        except BaseException as error:
            answer = repr(error).encode()
        os.write(write, answer)
        os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        assert pipe.read() == b"This conversation belongs to another process."
    os.waitpid(child, 0)
    assert cipher().open(sealer.seal(b"the parent goes on")) == b"the parent goes on"


def test_a_cipher_that_forgot_its_keys_refuses_everything() -> None:
    cipher = Gcm(SessionSecrets.shared(KEY), Role.INITIATOR)
    sealed = cipher.seal(b"hello")
    cipher.forget()
    with pytest.raises(LocalError, match="forgotten"):
        cipher.seal(b"hello")
    with pytest.raises(Tampered):
        cipher.open(sealed)
