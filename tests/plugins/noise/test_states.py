"""A key and its counter, and the state of the key schedule."""

import pickle

import pytest

from plytalk.core.contracts.errors import LocalError, Tampered
from plytalk.plugins.noise.primitives import AESGCM, CHACHAPOLY, SHA256, SHA512, CipherFunctions
from plytalk.plugins.noise.states import MAX_MESSAGE, MAX_NONCE, CipherState, SymmetricState

KEY = bytes(range(100, 132))
CIPHERS = pytest.mark.parametrize("cipher", [CHACHAPOLY, AESGCM], ids=["ChaChaPoly", "AESGCM"])


def ends(cipher: CipherFunctions = CHACHAPOLY) -> tuple[CipherState, CipherState]:
    return CipherState(cipher, KEY), CipherState(cipher, KEY)


@CIPHERS
def test_a_conversation(cipher: CipherFunctions) -> None:
    sender, receiver = ends(cipher)
    for number, text in enumerate([b"", b"one", b"two" * 1000]):
        sealed = sender.encrypt_with_ad(b"ad", text)
        assert sealed == cipher.new(KEY).encrypt(cipher.nonce(number), text, b"ad")
        assert receiver.decrypt_with_ad(b"ad", sealed) == text
    assert (sender.n, receiver.n) == (3, 3)


@CIPHERS
@pytest.mark.parametrize("what", ["changed", "cut", "empty", "replayed", "other ad"])
def test_the_first_failure_is_final(cipher: CipherFunctions, what: str) -> None:
    sender, receiver = ends(cipher)
    first, second = sender.encrypt_with_ad(b"", b"one"), sender.encrypt_with_ad(b"", b"two")
    assert receiver.decrypt_with_ad(b"", first) == b"one"
    bad = {"changed": second[:-1] + bytes([second[-1] ^ 1]), "cut": second[:-1], "empty": b"", "replayed": first}
    with pytest.raises(Tampered):
        receiver.decrypt_with_ad(b"other" if what == "other ad" else b"", bad.get(what, second))
    with pytest.raises(LocalError, match="forgotten"):
        receiver.decrypt_with_ad(b"", second)
    with pytest.raises(LocalError, match="forgotten"):
        receiver.encrypt_with_ad(b"", b"no longer")
    with pytest.raises(LocalError, match="forgotten"):
        receiver.rekey()


def test_the_last_nonce_is_never_used() -> None:
    sender, receiver = ends()
    sender.set_nonce(MAX_NONCE - 1)
    receiver.set_nonce(MAX_NONCE - 1)
    assert receiver.decrypt_with_ad(b"", sender.encrypt_with_ad(b"", b"the last one")) == b"the last one"
    with pytest.raises(LocalError, match="used up"):
        sender.encrypt_with_ad(b"", b"one more")
    with pytest.raises(LocalError, match="used up"):
        receiver.decrypt_with_ad(b"", bytes(20))


@pytest.mark.parametrize("n", [-1, MAX_NONCE, 2**64])
def test_nonces_that_are_none(n: int) -> None:
    with pytest.raises(ValueError, match="nonce"):
        ends()[0].set_nonce(n)


def test_a_message_has_65535_bytes_at_most() -> None:
    sender, receiver = ends()
    longest = bytes(MAX_MESSAGE - 16)
    sealed = sender.encrypt_with_ad(b"", longest)
    assert len(sealed) == MAX_MESSAGE
    assert receiver.decrypt_with_ad(b"", sealed) == longest
    with pytest.raises(LocalError, match="too long"):
        sender.encrypt_with_ad(b"", longest + b"!")
    assert sender.n == 1
    assert receiver.decrypt_with_ad(b"", sender.encrypt_with_ad(b"", b"still there")) == b"still there"
    with pytest.raises(Tampered, match="longer"):
        receiver.decrypt_with_ad(b"", bytes(MAX_MESSAGE + 1))
    with pytest.raises(LocalError, match="forgotten"):
        receiver.decrypt_with_ad(b"", sender.encrypt_with_ad(b"", b"too late"))


@CIPHERS
def test_rekey_makes_another_key_and_keeps_counting(cipher: CipherFunctions) -> None:
    sender, receiver = ends(cipher)
    receiver.decrypt_with_ad(b"", sender.encrypt_with_ad(b"", b"under the first key"))
    sender.rekey()
    receiver.rekey()
    second_key = cipher.new(KEY).encrypt(cipher.nonce(MAX_NONCE), bytes(32), b"")[:32]  # 4.2
    sealed = sender.encrypt_with_ad(b"", b"under the second")
    assert sealed == cipher.new(second_key).encrypt(cipher.nonce(1), b"under the second", b"")
    assert receiver.decrypt_with_ad(b"", sealed) == b"under the second"


def test_rekeying_out_of_step_fails() -> None:
    sender, receiver = ends()
    sender.rekey()
    with pytest.raises(Tampered):
        receiver.decrypt_with_ad(b"", sender.encrypt_with_ad(b"", b"hello"))


def test_a_record_layer_may_bind_the_aead_itself() -> None:
    sender, receiver = ends()
    sealed = sender.seal(sender.nonce(0), b"hello", b"")
    assert receiver.decrypt_with_ad(b"", sealed) == b"hello"


def test_names_up_to_the_hashs_length_are_padded_longer_ones_hashed() -> None:
    exact, longer = "Noise_XX_25519_AESGCM_SHA256_abc", "Noise_XXpsk3_25519_ChaChaPoly_SHA256"
    assert SymmetricState(exact, SHA256, AESGCM).h == exact.encode()
    assert SymmetricState(longer, SHA256, AESGCM).h == SHA256.hash(longer.encode())
    assert SymmetricState(longer, SHA512, AESGCM).h == longer.encode() + bytes(64 - len(longer))


def test_nothing_is_encrypted_before_the_first_key() -> None:
    state = SymmetricState("Noise_NN_25519_AESGCM_SHA256", SHA256, AESGCM)
    assert state.cipher is None
    assert state.encrypt_and_hash(b"plain") == b"plain"
    state.mix_key(b"secret")
    assert state.encrypt_and_hash(b"plain") != b"plain"


def test_no_secret_is_shown_or_written() -> None:
    state = SymmetricState("Noise_NN_25519_AESGCM_SHA256", SHA256, AESGCM)
    state.mix_key(b"secret")
    assert repr(state) == "<SymmetricState>"
    assert repr(ends()[0]) == "<CipherState n=0>"
    with pytest.raises(TypeError, match="not to be written"):
        pickle.dumps(ends()[0])
