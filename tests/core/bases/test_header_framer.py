"""Frames with a header, however they are cut."""

import sys
import tracemalloc
from struct import Struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.bases.header_framer import HeaderFramer
from plytalk.core.contracts.errors import FrameTooLong, LocalError
from plytalk.core.contracts.properties import Property
from plytalk.testing import PlainFrames, TypedFrames, check_framer
from plytalk.testing.cutting import randomly
from plytalk.testing.framers import fed

KINDS = [b"K", b"S", b"M", b"\0", b"\xff"]
messages = st.lists(st.tuples(st.sampled_from(KINDS), st.binary(max_size=300)), max_size=8)


class Tiny(HeaderFramer):
    """A length of one byte."""

    name = "tiny"
    gives = {Property.BOUNDARIES}
    header = Struct(">B")
    longest = 255


@pytest.mark.parametrize("make", [PlainFrames, TypedFrames, Tiny])
def test_it_passes_the_kit(make: type[HeaderFramer]) -> None:
    check_framer(make)


@given(messages, st.integers(0, 2**32))
def test_what_goes_in_comes_out_however_it_was_cut(sent: list[tuple[bytes, bytes]], seed: int) -> None:
    for make, typed in ((TypedFrames, True), (PlainFrames, False)):
        stream = b"".join(make().encode(kind, payload) for kind, payload in sent)
        framer = make()
        assert fed(framer, randomly(seed)(stream)) == [(kind if typed else None, payload) for kind, payload in sent]
        assert framer.unfinished == 0


@given(st.lists(st.binary(max_size=60)), st.integers(0, 5000))
def test_garbage_is_frames_or_too_long_and_nothing_else(pieces: list[bytes], limit: int) -> None:
    framer = TypedFrames()
    framer.limit = limit
    try:
        frames = fed(framer, pieces)
    except FrameTooLong:
        return
    assert sum(5 + len(payload) for _, payload in frames) + framer.unfinished == sum(map(len, pieces))


def test_the_limit_holds_to_the_byte_and_can_be_raised() -> None:
    framer = PlainFrames()
    framer.limit = 3
    framer.feed(framer.encode(b"M", b"abc") + framer.encode(b"M", b"abcd"))
    frames = framer.frames()
    assert next(frames) == (None, b"abc")
    with pytest.raises(FrameTooLong, match="a frame of 4 bytes; at most 3 are accepted"):
        next(frames)
    framer.limit = 4
    assert list(framer.frames()) == [(None, b"abcd")]


def test_four_gigabytes_are_refused_at_the_header_and_cost_nothing() -> None:
    framer = TypedFrames()
    tracemalloc.start()
    try:
        framer.feed(b"M\xff\xff\xff\xff")
        with pytest.raises(FrameTooLong, match="4,294,967,295"):
            next(framer.frames())
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_what_cannot_be_carried_is_refused_before_it_is_sent() -> None:
    assert Tiny().encode(b"M", bytes(255))[0] == 255
    with pytest.raises(LocalError, match="longer than the framer `tiny` can carry \\(255\\)"):
        Tiny().encode(b"M", bytes(256))


def test_frames_that_were_taken_leave_no_memory_behind() -> None:
    for piece in (1024, 2**20 + 100):
        framer = PlainFrames()
        framer.limit = 2**20
        stream = framer.encode(b"M", bytes(2**20)) + framer.encode(b"M", b"next")[:-1]
        for at in range(0, len(stream), piece):
            framer.feed(stream[at : at + piece])
            frames = list(framer.frames())
        assert piece < len(stream) or [len(payload) for _, payload in frames] == [2**20]
        assert framer.unfinished == 7
        assert sys.getsizeof(framer._buffer) < 4096


def test_frames_that_nobody_took_are_counted_and_kept() -> None:
    framer = TypedFrames()
    framer.feed(framer.encode(b"K", b"one") + framer.encode(b"M", b"two")[:-1])
    assert framer.unfinished == 8 + 7
    assert next(framer.frames()) == (b"K", b"one")
    assert framer.unfinished == 7
    framer.feed(b"o")
    assert list(framer.frames()) == [(b"M", b"two")]
