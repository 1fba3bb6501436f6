"""The identity payload: 104 bytes, each of which counts."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.plugins.noise import payload
from plytalk.trust.identity import OwnIdentity

ALICE, MALLORY = (OwnIdentity(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)) for seed in (1, 2))
STATIC = bytes(range(32))
NOW = 1_800_000_000
EXPIRY = NOW + 48 * 3600
PROOF = payload.encode(ALICE, STATIC, NOW)
BARE, DATED = PROOF[:104], PROOF[104:]


def test_byte_by_byte():
    key = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
    expiry = EXPIRY.to_bytes(8, "big")
    assert (
        bytes.fromhex("0a2408011220")
        + key.public_key().public_bytes_raw()
        + bytes.fromhex("1240")
        + key.sign(b"noise-libp2p-static-key:" + STATIC)
        + bytes.fromhex("c23e48")
        + expiry
        + key.sign(b"plytalk/1 static key:" + STATIC + expiry)
    ) == PROOF
    assert len(PROOF) == payload.LENGTH == 179


def test_it_says_who_signed():
    assert payload.decode(PROOF, STATIC, NOW) == (ALICE.public, True)
    assert payload.decode(BARE, STATIC, NOW, foreign=True) == (ALICE.public, False)


def refused(raw, static=STATIC, now=NOW, **how):
    with pytest.raises(HandshakeFailed) as caught:
        payload.decode(raw, static, now, **how)
    return str(caught.value)


def test_for_another_static_key_it_is_forged():
    assert "forged" in refused(PROOF, bytes(32))


def test_signed_by_somebody_else_it_is_forged():
    theirs = payload.encode(MALLORY, STATIC, NOW)
    assert "forged" in refused(PROOF[:40] + theirs[40:104] + DATED)
    assert "forged" in refused(BARE + theirs[104:])
    assert "forged" in refused(BARE + theirs[104:], foreign=True)


@pytest.mark.parametrize("foreign", [False, True])
def test_every_bit_counts(foreign):
    for bit in range(len(PROOF) * 8):
        changed = bytearray(PROOF)
        changed[bit // 8] ^= 1 << bit % 8
        refused(bytes(changed), foreign=foreign)


def test_every_byte_is_needed():
    for length in range(len(PROOF)):
        assert "not written as it should be" in refused(PROOF[:length])
        if length != len(BARE):
            assert "not written as it should be" in refused(PROOF[:length], foreign=True)


# -- the expiry ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("now", [NOW, EXPIRY, EXPIRY + 24 * 3600 - 1, NOW - 24 * 3600])
@pytest.mark.parametrize("foreign", [False, True])
def test_a_clock_may_be_wrong_by_a_day(now, foreign):
    assert payload.decode(PROOF, STATIC, now, foreign=foreign).key == ALICE.public


@pytest.mark.parametrize(
    ("now", "why"),
    [(EXPIRY + 24 * 3600, "expired on"), (NOW - 24 * 3600 - 1, "for later than it may be"), (10**12, "expired on"), (0, "later")],
)
@pytest.mark.parametrize("foreign", [False, True])
def test_and_not_by_more(now, why, foreign):
    """Which of the two clocks is wrong nobody can say."""
    with pytest.raises(payload.WrongDate) as caught:
        payload.decode(PROOF, STATIC, now, foreign=foreign)
    assert why in caught.value.sentence
    assert "One of the two clocks may be wrong" in caught.value.sentence
    assert "One of the two clocks may be wrong" in caught.value.told


def test_a_copied_static_key_does_not_pass_with_a_proof_whose_expiry_is_left_out_or_put_off():
    later = (EXPIRY + 10**6).to_bytes(8, "big")
    assert "not written as it should be" in refused(BARE, now=EXPIRY + 10**6)
    assert "forged" in refused(BARE + DATED[:3] + later + DATED[11:], now=EXPIRY + 10**6)


def test_the_longest_time_there_is_can_be_shown():
    forever = (2**64 - 1).to_bytes(8, "big")
    signed = ALICE.sign(b"plytalk/1 static key:" + STATIC + forever)
    assert f"second {2**64 - 1}" in refused(BARE + DATED[:3] + forever + signed)


@pytest.mark.parametrize("key", [bytes(32), b"\1" + bytes(31), b"\xff" * 32, (2**255 - 19).to_bytes(32, "little")])
def test_a_key_that_fits_every_signature_is_no_key(key):
    assert "not a usable key" in refused(PROOF[:6] + key + PROOF[38:])


@given(st.binary(max_size=200))
def test_anything_else_is_refused(raw):
    refused(raw)
    refused(PROOF + raw + b"\0")


@pytest.mark.parametrize("body", [b"", b"\x12\x05/yamx", bytes(127), bytes(128), bytes(3000)])
@pytest.mark.parametrize("rest", [b"", DATED])
def test_extensions_may_stand_in_it_where_they_are_asked_for(body, rest):
    length = bytes([len(body)]) if len(body) < 128 else bytes([0x80 | len(body) & 0x7F, len(body) >> 7])
    field = b"\x22" + length + body
    assert payload.decode(BARE + field + rest, STATIC, NOW, foreign=True) == (ALICE.public, bool(rest))
    assert "not written as it should be" in refused(BARE + field + rest)
    assert "not written as it should be" in refused(BARE + field + rest + b"\0", foreign=True)
    if not rest:
        assert "not written as it should be" in refused(BARE + field[:-1], foreign=True)


@pytest.mark.parametrize("field", [b"\x22", b"\x22\x80", b"\x22\x80\x80\x01" + bytes(128), b"\x1a\x00", b"\x0a\x00", DATED * 2])
def test_no_other_field_may_follow(field):
    assert "not written as it should be" in refused(BARE + field, foreign=True)
