"""The identity payload: 104 bytes, each of which counts."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.errors import HandshakeFailed
from plytalk.core.identity import Identity
from plytalk.plugins.noise import payload

ALICE, MALLORY = (Identity(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)) for seed in (1, 2))
STATIC = bytes(range(32))
PROOF = payload.encode(ALICE, STATIC)


def test_byte_by_byte():
    key = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
    assert (
        bytes.fromhex("0a2408011220")
        + key.public_key().public_bytes_raw()
        + bytes.fromhex("1240")
        + key.sign(b"noise-libp2p-static-key:" + STATIC)
    ) == PROOF
    assert len(PROOF) == payload.LENGTH == 104


def test_it_says_who_signed():
    assert payload.decode(PROOF, STATIC) == ALICE.public


def refused(raw, static=STATIC, **how):
    with pytest.raises(HandshakeFailed) as caught:
        payload.decode(raw, static, **how)
    return str(caught.value)


def test_for_another_static_key_it_is_forged():
    assert "forged" in refused(PROOF, bytes(32))


def test_signed_by_somebody_else_it_is_forged():
    theirs = payload.encode(MALLORY, STATIC)
    assert "forged" in refused(PROOF[:40] + theirs[40:])


@pytest.mark.parametrize("extensions", [False, True])
def test_every_bit_counts(extensions):
    for bit in range(len(PROOF) * 8):
        changed = bytearray(PROOF)
        changed[bit // 8] ^= 1 << bit % 8
        refused(bytes(changed), extensions=extensions)


def test_every_byte_is_needed():
    for length in range(len(PROOF)):
        assert "not written as it should be" in refused(PROOF[:length], extensions=True)


@pytest.mark.parametrize("key", [bytes(32), b"\1" + bytes(31), b"\xff" * 32, (2**255 - 19).to_bytes(32, "little")])
def test_a_key_that_fits_every_signature_is_no_key(key):
    assert "no usable key" in refused(PROOF[:6] + key + PROOF[38:])


@given(st.binary(max_size=200))
def test_anything_else_is_refused(raw):
    refused(raw)
    refused(PROOF + raw + b"\0")


@pytest.mark.parametrize("body", [b"", b"\x12\x05/yamx", bytes(127), bytes(128), bytes(3000)])
def test_extensions_may_follow_where_they_are_asked_for(body):
    length = bytes([len(body)]) if len(body) < 128 else bytes([0x80 | len(body) & 0x7F, len(body) >> 7])
    field = b"\x22" + length + body
    assert payload.decode(PROOF + field, STATIC, extensions=True) == ALICE.public
    assert "not written as it should be" in refused(PROOF + field)
    assert "not written as it should be" in refused(PROOF + field + b"\0", extensions=True)
    assert "not written as it should be" in refused(PROOF + field[:-1], extensions=True)


@pytest.mark.parametrize("field", [b"\x22", b"\x22\x80", b"\x22\x80\x80\x01" + bytes(128), b"\x1a\x00", b"\x0a\x00"])
def test_no_other_field_may_follow(field):
    assert "not written as it should be" in refused(PROOF + field, extensions=True)
