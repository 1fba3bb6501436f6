"""A descriptor is closed once, whatever has its number then."""

import os

from plytalk.plugins.files.descriptors import CLOSED, close_once


def test_closing_twice_closes_nothing_that_was_opened_since() -> None:
    first = os.open(os.devnull, os.O_RDONLY)
    left = close_once(first)
    second = os.open(os.devnull, os.O_RDONLY)
    assert (second, left) == (first, CLOSED)  # the system gives the lowest number that is free
    assert close_once(left) == CLOSED
    os.fstat(second)
    os.close(second)
