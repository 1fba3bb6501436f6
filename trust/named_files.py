"""Opens a file that a user names, for reading, without waiting.

Opening a named pipe would block until somebody writes to it, and a device may have no end, so both are refused. A pipe that the
shell has opened for this process, `<(...)`, has a writer and is allowed.
"""

import os
import stat
from pathlib import Path

from plytalk.core.contracts.errors import Usage
from plytalk.trust.store_errors import StoreError

_FLAGS: int = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def is_stream(path: Path) -> bool:
    """Whether this names a file that this process has open, as a shell's `<(...)` does."""
    return str(path) == "/dev/stdin" or str(path.parent) in ("/dev/fd", "/proc/self/fd")


def open_named(path: Path) -> int:
    """A descriptor on which a plain file is open, or a file that this process has open. Raises StoreError, OSError."""
    descriptor = os.open(path, _FLAGS)
    try:
        if not is_stream(path) and not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise not_plain(path)
        if os.name == "posix":
            os.set_blocking(descriptor, True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def check_named(path: Path, limit: int) -> None:
    """Check that a library that opens this path will find a file of at most `limit` bytes. Raises Usage, OSError."""
    try:
        with open(open_named(path), "rb") as file:
            size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise too_large(path, limit)
    except StoreError as error:
        raise Usage(str(error), error.hint) from None


def not_plain(path: Path) -> StoreError:
    """The error for a path that is not a plain file."""
    what = "is a folder" if os.path.isdir(path) else "is not a plain file"
    return StoreError(f"{path} {what}.", "Put a plain file there, or name another one.")


def too_large(path: Path, limit: int) -> StoreError:
    return StoreError(f"{path} has more than {limit} bytes.", "Is it the right file?")
