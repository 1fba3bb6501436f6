"""Overwriting memory of the C library that was freed with a secret in it, by code that could not be told to do so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

FREED = 9
"""How many pieces of freed memory are claimed to find the last one: glibc puts up to seven of a size aside for each thread."""
M_PERTURB = -6
"""The setting of glibc's `mallopt` by which `free` overwrites memory (malloc.h)."""


def zero_freed(size: int) -> None:
    """Let zeros take the memory of a size that was freed last: `cryptography` decrypts into some, and frees it as it is."""
    from ctypes import memset

    claim, free = memory_functions()
    places = [place for _ in range(FREED) if (place := claim(size))]
    for place in places:
        memset(place, 0, size)
    for place in places:
        free(place)


@contextmanager
def freed_is_overwritten() -> Iterator[None]:
    """Let `free` overwrite what it does not put aside for this thread: `zero_freed` finds no piece that is joined to another.

    OpenSSL makes new blinding values at every 32nd use of a key, and frees more pieces than a thread puts aside. glibc only.
    """
    from ctypes import pythonapi

    mallopt = getattr(pythonapi, "mallopt", lambda setting, value: 0)
    mallopt(M_PERTURB, 0xFF)
    try:
        yield
    finally:
        mallopt(M_PERTURB, 0)


@cache
def memory_functions() -> tuple[Callable[[int], int | None], Callable[[int], None]]:
    """`malloc` and `free` of the C library, as Python has them."""
    from ctypes import PYFUNCTYPE, c_size_t, c_void_p, pythonapi

    claim = PYFUNCTYPE(c_void_p, c_size_t)(("PyMem_RawMalloc", pythonapi))
    return claim, PYFUNCTYPE(None, c_void_p)(("PyMem_RawFree", pythonapi))
