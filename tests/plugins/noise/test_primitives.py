"""The functions behind a protocol name, held to the specification; test_wycheproof.py holds them to known attacks."""

import hmac
import pickle

import pytest

from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.plugins.noise.primitives import AESGCM, CHACHAPOLY, DH, DHS, HASHES, MLKEM768, X448, X25519, Hash


@pytest.mark.parametrize("hash_functions", HASHES.values(), ids=HASHES)
@pytest.mark.parametrize("material", [b"", b"a secret"])
def test_hkdf_is_the_specifications(hash_functions: Hash, material: bytes) -> None:
    """Section 4.3, spelled out."""

    def hmac_hash(key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, hash_functions.new)

    chaining_key = bytes(range(hash_functions.hashlen))
    temp_key = hmac_hash(chaining_key, material)
    output1 = hmac_hash(temp_key, b"\x01")
    output2 = hmac_hash(temp_key, output1 + b"\x02")
    output3 = hmac_hash(temp_key, output2 + b"\x03")
    assert hash_functions.hkdf(chaining_key, material, 2) == [output1, output2]
    assert hash_functions.hkdf(chaining_key, material, 3) == [output1, output2, output3]
    assert len(output1) == hash_functions.hashlen == len(hash_functions.hash(b""))


def test_nonces_are_twelve_bytes() -> None:
    assert CHACHAPOLY.nonce(0x0102) == bytes(4) + bytes.fromhex("0201000000000000")
    assert AESGCM.nonce(0x0102) == bytes(4) + bytes.fromhex("0000000000000102")


@pytest.mark.parametrize("dh", DHS.values(), ids=DHS)
def test_two_key_pairs_agree(dh: DH) -> None:
    ours, theirs = dh.generate_keypair(), dh.generate_keypair()
    assert len(ours.public) == dh.dhlen
    assert dh.dh(ours, theirs.public) == dh.dh(theirs, ours.public)


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31), bytes(31), bytes(33)])
def test_unusable_25519_points(point: bytes) -> None:
    with pytest.raises(HandshakeFailed, match="low order or malformed"):
        X25519.dh(X25519.generate_keypair(), point)


@pytest.mark.parametrize("point", [bytes(56), b"\x01" + bytes(55), bytes(55)])
def test_unusable_448_points(point: bytes) -> None:
    with pytest.raises(HandshakeFailed, match="low order or malformed"):
        X448.dh(X448.generate_keypair(), point)


def test_kem_agrees_and_notices_a_change_only_later() -> None:
    pair = MLKEM768.generate_keypair()
    ciphertext, secret = MLKEM768.encapsulate(pair.public)
    assert (len(pair.public), len(ciphertext), len(secret)) == (MLKEM768.publickeylen, MLKEM768.ciphertextlen, 32)
    assert MLKEM768.decapsulate(pair, ciphertext) == secret
    assert MLKEM768.decapsulate(pair, ciphertext[:-1] + bytes([ciphertext[-1] ^ 1])) != secret


def test_malformed_kem_keys_and_ciphertexts() -> None:
    with pytest.raises(HandshakeFailed, match="MLKEM768 key is malformed"):
        MLKEM768.encapsulate(bytes(MLKEM768.publickeylen - 1))
    with pytest.raises(HandshakeFailed, match="MLKEM768 key is malformed"):
        MLKEM768.encapsulate(b"\xff" * MLKEM768.publickeylen)
    with pytest.raises(HandshakeFailed, match="MLKEM768 ciphertext is malformed"):
        MLKEM768.decapsulate(MLKEM768.generate_keypair(), bytes(MLKEM768.ciphertextlen + 1))


def test_a_key_pair_shows_and_gives_away_its_public_key_only() -> None:
    private = bytes(range(32, 64))
    pair = X25519.load(private)
    assert repr(pair) == f"KeyPair(public={pair.public!r})"
    with pytest.raises(TypeError, match="not to be written"):
        pickle.dumps(pair)


def test_a_private_key_of_another_length() -> None:
    with pytest.raises(ValueError, match="32"):
        X25519.load(bytes(31))
