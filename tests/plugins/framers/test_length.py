"""Frames of demo02."""

from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.errors import FrameTooLong
from plytalk.plugins.framers.length import Length, layers
from plytalk.testing import check_framer, randomly
from plytalk.testing.framers import fed


def test_it_passes_the_kit() -> None:
    check_framer(Length)


def test_a_frame_is_how_long_and_then_what() -> None:
    assert Length().encode(b"M", b"hello") == b"\0\0\0\5hello"
    assert Length().encode(b"K", b"") == b"\0\0\0\0"
    assert fed(Length(), [b"\0\0\0\5hel", b"lo\0\0\0\0"]) == [(None, b"hello"), (None, b"")]


@given(st.lists(st.binary(max_size=500)), st.integers(0, 1000))
def test_frames_survive_any_cutting(payloads: list[bytes], seed: int) -> None:
    stream = b"".join(Length().encode(b"M", payload) for payload in payloads)
    assert fed(Length(), randomly(seed)(stream)) == [(None, payload) for payload in payloads]


@given(st.lists(st.binary(max_size=50)))
def test_garbage_is_frames_or_too_long(pieces: list[bytes]) -> None:
    framer = Length()
    try:
        fed(framer, pieces)
    except FrameTooLong:
        return
    assert framer.unfinished <= sum(map(len, pieces))


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Length]
