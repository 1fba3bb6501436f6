"""ChaCha20-Poly1305, laid out as AES-GCM is."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from plytalk.core.contracts.errors import HandshakeFailed, Tampered
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.plugins.ciphers.aesgcm import AesGcm
from plytalk.plugins.ciphers.chacha20poly1305 import ChaCha20, layers
from plytalk.testing import check_cipher


def test_it_passes_the_kit() -> None:
    check_cipher(ChaCha20)


def test_any_program_with_chacha20_poly1305_can_be_the_other_side() -> None:
    key, nonce = os.urandom(32), os.urandom(12)
    cipher = ChaCha20(SessionSecrets.shared(key), Role.INITIATOR)
    sealed = cipher.seal(b"hello")
    assert ChaCha20Poly1305(key).decrypt(sealed[:12], sealed[12:], None) == b"hello"
    assert cipher.open(nonce + ChaCha20Poly1305(key).encrypt(nonce, b"hello yourself", None)) == b"hello yourself"


def test_the_same_key_in_another_cipher_opens_nothing() -> None:
    secrets = SessionSecrets.shared(os.urandom(32))
    with pytest.raises(Tampered):
        ChaCha20(secrets, Role.RESPONDER).open(AesGcm(secrets, Role.INITIATOR).seal(b"hello"))


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(HandshakeFailed):
        ChaCha20(SessionSecrets.shared(bytes(length)), Role.INITIATOR)


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [ChaCha20]
