"""What was freed with a secret in it holds zeros afterwards."""

import platform
from ctypes import memset, string_at

import pytest

from plytalk.core.io.freed_memory import freed_is_overwritten, memory_functions, zero_freed


def test_freed_memory_of_a_size_is_zeroed_and_given_back() -> None:
    claim, free = memory_functions()
    place = claim(256)
    memset(place, 0x5A, 256)
    free(place)
    zero_freed(256)
    again = claim(256)
    assert string_at(again, 256)[16:] == bytes(240)  # the C library writes into the first bytes of what is free
    free(again)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone overwrites what it frees")
def test_memory_freed_beyond_what_a_thread_puts_aside_is_overwritten() -> None:
    claim, free = memory_functions()
    places = [claim(256) for _ in range(40)]
    for place in places:
        memset(place, 0x5A, 256)
    with freed_is_overwritten():
        for place in places:
            free(place)
    kept = [place for place in places if b"\x5a" * 32 in string_at(place, 240)]
    zero_freed(256)
    assert len(kept) <= 7
    assert not [place for place in kept if b"\x5a" * 32 in string_at(place, 240)]
