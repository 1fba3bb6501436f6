"""Bytes as they come."""

from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.properties import Property
from plytalk.plugins.framers.raw import Raw, layers
from plytalk.testing import check_framer
from plytalk.testing.framers import fed


def test_it_passes_the_kit() -> None:
    check_framer(Raw)


def test_each_read_is_a_message_and_nothing_is_added() -> None:
    assert Raw().encode(b"M", b"hello") == b"hello"
    assert fed(Raw(), [b"hel", b"lo"]) == [(None, b"hel"), (None, b"lo")]
    assert Property.BOUNDARIES not in Raw.gives


@given(st.lists(st.binary(max_size=100)))
def test_no_byte_is_lost(pieces: list[bytes]) -> None:
    framer = Raw()
    assert b"".join(payload for _, payload in fed(framer, pieces)) == b"".join(pieces)
    assert framer.unfinished == 0


def test_what_nobody_has_taken_is_counted() -> None:
    framer = Raw()
    framer.feed(b"hel")
    framer.feed(b"lo")
    assert framer.unfinished == 5
    assert list(framer.frames()) == [(None, b"hello")]


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Raw]
