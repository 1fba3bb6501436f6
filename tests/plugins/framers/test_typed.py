"""Frames of secure-chat."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.errors import FrameTooLong
from plytalk.plugins.framers.typed import Typed, layers
from plytalk.testing import check_framer, randomly
from plytalk.testing.framers import fed


def test_it_passes_the_kit() -> None:
    check_framer(Typed)


def test_a_frame_is_what_it_is_how_long_and_what() -> None:
    assert Typed().encode(b"M", b"hello") == b"M\0\0\0\5hello"
    assert fed(Typed(), [b"K\0\0\0\0S\0\0\0\1", b"x"]) == [(b"K", b""), (b"S", b"x")]


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=1), st.binary(max_size=500))), st.integers(0, 1000))
def test_frames_survive_any_cutting(frames: list[tuple[bytes, bytes]], seed: int) -> None:
    stream = b"".join(Typed().encode(kind, payload) for kind, payload in frames)
    assert fed(Typed(), randomly(seed)(stream)) == frames


@given(st.lists(st.binary(max_size=50)))
def test_garbage_is_frames_or_too_long(pieces: list[bytes]) -> None:
    framer = Typed()
    try:
        fed(framer, pieces)
    except FrameTooLong:
        return
    assert framer.unfinished <= sum(map(len, pieces))


def test_a_web_browser_is_no_chat() -> None:
    """`GET / HTTP/1.1` announces a frame of a gigabyte."""
    with pytest.raises(FrameTooLong, match="1,163,141,167"):
        fed(Typed(), [b"GET / HTTP/1.1\r\n\r\n"])


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Typed]
