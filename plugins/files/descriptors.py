"""Descriptors of open files: closing one twice would close another that has its number by then."""

import os

CLOSED = -1
"""In place of a descriptor that was closed."""


def close_once(descriptor: int) -> int:
    """Close a descriptor, if it is open; gives what to put in its place."""
    if descriptor != CLOSED:
        os.close(descriptor)
    return CLOSED
