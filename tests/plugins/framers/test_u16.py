"""Frames of plytalk/1: a length of two bytes, and nothing else."""

import pytest

from plytalk.core.contracts.errors import LocalError
from plytalk.plugins.framers.u16 import U16, layers
from plytalk.testing import check_framer


def test_it_keeps_the_contract():
    check_framer(U16)


def test_byte_by_byte():
    assert U16().encode(b"M", b"hello") == b"\x00\x05hello"
    assert U16().encode(b"K", b"") == b"\x00\x00"  # no type goes over the wire
    assert U16().encode(b"M", bytes(0x1234))[:2] == b"\x12\x34"


def test_a_frame_has_as_many_bytes_as_a_noise_message_may_have():
    framer = U16()
    framer.limit = 2**20
    longest = bytes(65535)
    framer.feed(framer.encode(b"M", longest))
    assert list(framer.frames()) == [(None, longest)]
    with pytest.raises(LocalError, match="65,535"):
        framer.encode(b"M", bytes(65536))


def test_it_can_be_found():
    assert layers() == [U16]
