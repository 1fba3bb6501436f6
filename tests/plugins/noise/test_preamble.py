"""The preambles: what is written is read, what is read was written so, and everything else is HandshakeFailed."""

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.plugins.noise.preamble import MAGIC, MAX_BYTES, Answer, Offer, prologue, suite, tokens
from plytalk.plugins.noise.suites import SETS

XX = "Noise_XX_25519_ChaChaPoly_SHA256"
WORDS = st.text(st.sampled_from("abXY09_+/"), min_size=1, max_size=40)
LISTS = st.lists(WORDS, min_size=1, max_size=5, unique=True).map(tuple)
OFFERS = LISTS.map(Offer)
ANSWERS = LISTS.flatmap(lambda known: st.builds(Answer, st.sampled_from(["", *known]), st.just(known)))


def test_an_offer_byte_by_byte():
    raw = b"PLYTALK1\n\x01\x20" + XX.encode()
    assert Offer((XX,)).encode() == raw
    assert Offer.decode(raw) == Offer((XX,))


def test_an_answer_byte_by_byte():
    assert Answer(XX, (XX, "Noise_b")).encode() == b"\x20" + XX.encode() + b"\x02\x20" + XX.encode() + b"\x07Noise_b"
    assert Answer.decode(b"\0\x01\x01a") == Answer("", ("a",))


@pytest.mark.parametrize("agreement", ["", "psk", "code"])
def test_every_offer_and_answer_that_can_be_made_has_256_bytes_at_most(agreement):
    suites = SETS["any"]
    for chosen in chain.from_iterable(combinations(suites, count) for count in range(1, len(suites) + 1)):
        offered = tokens(chosen, agreement)
        assert len(Offer(offered).encode()) <= MAX_BYTES
        assert all(len(Answer(token, offered).encode()) <= MAX_BYTES for token in offered)


def test_a_pre_shared_key_is_part_of_the_token():
    assert tokens(SETS["any"], "psk") == (
        "Noise_XXhfs+psk3_25519+MLKEM768_AESGCM_SHA256",
        "Noise_XXhfs+psk3_25519+MLKEM768_ChaChaPoly_SHA256",
        "Noise_XXpsk3_25519_AESGCM_SHA256",
        "Noise_XXpsk3_25519_ChaChaPoly_SHA256",
    )
    assert tokens((XX,), "code") == ("Noise_XXpsk3_25519_ChaChaPoly_SHA256/code",)
    assert suite("Noise_XXpsk3_25519_ChaChaPoly_SHA256/code") == "Noise_XXpsk3_25519_ChaChaPoly_SHA256"
    assert suite(XX) == XX


@given(OFFERS)
def test_an_offer_is_read_as_it_was_written(offer):
    assert Offer.decode(offer.encode()) == offer


@given(ANSWERS)
def test_an_answer_is_read_as_it_was_written(answer):
    assert Answer.decode(answer.encode()) == answer


def reads(kind, raw):
    """What is read was written so; everything else is HandshakeFailed."""
    try:
        read = kind.decode(raw)
    except HandshakeFailed:
        return
    assert read.encode() == raw


@given(st.binary(max_size=MAX_BYTES))
def test_whatever_comes_is_an_offer_or_refused(raw):
    reads(Offer, raw)
    reads(Offer, MAGIC + raw)


@given(st.binary(max_size=MAX_BYTES))
def test_whatever_comes_is_an_answer_or_refused(raw):
    reads(Answer, raw)


@given(OFFERS, ANSWERS, st.data())
def test_a_changed_preamble_is_another_one_or_refused(offer, answer, data):
    for written in (offer, answer):
        raw = bytearray(written.encode())
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
        reads(type(written), bytes(raw))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PLYTALK1",
        b"PLYTALK2\n\x01\x01a",
        b"GET / HTTP/1.1\r\n\r\n",
        b"PLYTALK1\n",
        b"PLYTALK1\n\x00",  # offers nothing
        b"PLYTALK1\n\x01",
        b"PLYTALK1\n\x01\x00",  # an empty name
        b"PLYTALK1\n\x01\x05abc",
        b"PLYTALK1\n\x02\x01a",
        b"PLYTALK1\n\x02\x01a\x01a",  # the same twice
        b"PLYTALK1\n\x01\x01a\x01b",  # more than it counts
        b"PLYTALK1\n\x01\x01\n",
        b"PLYTALK1\n\x01\x02\xc3\xa4",
    ],
)
def test_no_offer(raw):
    with pytest.raises(HandshakeFailed):
        Offer.decode(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0",
        b"\0\0",  # knows nothing
        b"\x01a",
        b"\x01a\x01\x01b",  # chose what it does not know
        b"\x01a\x02\x01a\x01a",
        b"\x01a\x01\x01a!",
        b"\xffa\x01\x01a",
    ],
)
def test_no_answer(raw):
    with pytest.raises(HandshakeFailed):
        Answer.decode(raw)


def test_a_peer_that_speaks_something_else_is_told_apart():
    with pytest.raises(HandshakeFailed, match="does not speak plytalk/1"):
        Offer.decode(b"SSH-2.0-OpenSSH_9.9\r\n")


def test_the_prologue_is_the_label_and_both_preambles_each_behind_its_length():
    assert prologue(b"abc", b"d" * 256) == b"plytalk/1\x00\x03abc\x01\x00" + b"d" * 256


@given(st.binary(max_size=9), st.binary(max_size=9), st.binary(max_size=9), st.binary(max_size=9))
def test_different_preambles_make_different_prologues(a, b, c, d):
    assert (prologue(a, b) == prologue(c, d)) == ((a, b) == (c, d))
