"""Descriptors of open files: they are closed once, since another file may have the number by then, and written to in full."""

import os

CLOSED = -1
"""In place of a descriptor that was closed."""


def close_once(descriptor: int) -> int:
    """Close a descriptor, if it is open; gives what to put in its place."""
    if descriptor != CLOSED:
        os.close(descriptor)
    return CLOSED


def write_all(descriptor: int, data: bytes | bytearray | memoryview) -> None:
    """Write all of it, or raise OSError: a file that reaches a limit takes a part first and fails at the next try."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def mask_of_user() -> int:
    """The permissions that the user's umask allows for a new file or folder."""
    mask = os.umask(0o077)  # it can only be read by setting it
    os.umask(mask)
    return 0o777 & ~mask
