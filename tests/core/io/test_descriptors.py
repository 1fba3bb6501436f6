"""A descriptor is closed once, whatever has its number then, and written to in full."""

import os
from pathlib import Path

import pytest
from transferring import files_limited_to

from plytalk.core.io.descriptors import CLOSED, close_once, mask_of_user, write_all


def test_closing_twice_closes_nothing_that_was_opened_since() -> None:
    first = os.open(os.devnull, os.O_RDONLY)
    left = close_once(first)
    second = os.open(os.devnull, os.O_RDONLY)
    assert (second, left) == (first, CLOSED)  # the system gives the lowest number that is free
    assert close_once(left) == CLOSED
    os.fstat(second)
    os.close(second)


def test_all_is_written_or_the_system_says_why_not(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "a", os.O_WRONLY | os.O_CREAT)
    with files_limited_to(10):
        write_all(descriptor, b"0123456")
        with pytest.raises(OSError, match="File too large"):
            write_all(descriptor, bytearray(b"789abc"))
    os.close(descriptor)
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_the_mask_of_the_user_is_read_and_stays() -> None:
    before = os.umask(0o027)
    try:
        assert mask_of_user() == mask_of_user() == 0o750
    finally:
        os.umask(before)
