"""AES-GCM as demo02 and secure-chat have it."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.plugins.ciphers.aesgcm import AesGcm, layers
from plytalk.testing import check_cipher


def shared() -> tuple[SessionSecrets, SessionSecrets]:
    key = os.urandom(32)
    return SessionSecrets.shared(key), SessionSecrets.shared(key)


def test_it_passes_the_kit_with_one_key_and_with_two() -> None:
    check_cipher(AesGcm)
    check_cipher(AesGcm, shared)


@pytest.mark.parametrize("length", [16, 24, 32])
def test_any_program_with_aes_gcm_can_be_the_other_side(length: int) -> None:
    key = os.urandom(length)
    cipher = AesGcm(SessionSecrets.shared(key), Role.INITIATOR)
    sealed = cipher.seal(b"hello")
    assert AESGCM(key).decrypt(sealed[:12], sealed[12:], None) == b"hello"
    nonce = os.urandom(12)
    assert cipher.open(nonce + AESGCM(key).encrypt(nonce, b"hello yourself", None)) == b"hello yourself"


def test_it_opens_nist_s_test_case_14() -> None:
    """AES-256, a key and nonce of zeros, sixteen zeros of plaintext (the GCM specification's appendix B)."""
    sealed = bytes(12) + bytes.fromhex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    assert AesGcm(SessionSecrets.shared(bytes(32)), Role.RESPONDER).open(sealed) == bytes(16)


@pytest.mark.parametrize("length", [0, 8, 15, 17, 31, 33, 64])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(HandshakeFailed):
        AesGcm(SessionSecrets.shared(bytes(length)), Role.INITIATOR)


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [AesGcm]
