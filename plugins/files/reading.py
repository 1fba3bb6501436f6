"""Reading a file or a folder as a stream of bytes, with a check of each file before and after."""

import os
import stat
from abc import ABC, abstractmethod

from plytalk.core.contracts.sanitise import shorten
from plytalk.plugins.files.transfer_errors import SourceChanged, Unreadable

# O_NONBLOCK: a named pipe that has replaced a file must not block.
FILE_FLAGS: int = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
NO_WAIT: int | None = getattr(os, "RWF_NOWAIT", None)
"""Makes a read fail if it would wait for the disk; None if the system has no such flag. Some file systems refuse it."""
FOLDER_FLAGS: int = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY


class Source(ABC):
    """A file or a folder as one stream of bytes. `read_into` may be called from any thread, by one at a time."""

    name: str
    size: int
    """The length of the stream, in bytes."""
    head: int = 0
    """The length of a folder's manifest, at the beginning of the stream, in bytes."""
    folder: bool = False
    count: int = 1
    """The number of files."""
    mode: int
    mtime: int
    """The time of the last change, in nanoseconds since 1970."""

    @abstractmethod
    def read_into(self, buffer: memoryview, offset: int) -> int:
        """Fill the buffer from this offset of the stream. Return the number of bytes, less than asked only at the end. Raises
        SourceChanged and Unreadable.
        """

    def read_now(self, buffer: memoryview, offset: int) -> bool:
        """Fill the buffer if that needs no disk. Return False, with anything in the buffer, if it does, or on failure."""
        return False

    @abstractmethod
    def close(self) -> None:
        """Close all open files."""


def read_exactly(path: str | bytes, descriptor: int, buffer: memoryview, offset: int, stamp: tuple[int, ...]) -> None:
    """Fill the buffer from a file that must match its stamp before and after."""
    filled = 0
    try:
        while filled < len(buffer):
            count = os.preadv(descriptor, [buffer[filled:]], offset + filled)
            if not count:
                break
            filled += count
        if filled < len(buffer) or stamp_of(os.fstat(descriptor)) != stamp:
            raise changed(path)
    except OSError as trouble:
        raise unreadable(path, trouble) from None


def read_cached(descriptor: int, buffer: memoryview, offset: int, stamp: tuple[int, ...]) -> bool:
    """Fill the buffer if the system has all of it in memory and the file matches its stamp. Return whether it did."""
    if NO_WAIT is None:
        return False
    try:
        return os.preadv(descriptor, [buffer], offset, NO_WAIT) == len(buffer) and stamp_of(os.fstat(descriptor)) == stamp
    except OSError:
        return False


def stamp_of(status: os.stat_result) -> tuple[int, ...]:
    """Return values that change when a file is replaced or written to, but not when it is renamed."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns & (2**64 - 1)


def changed(path: str | bytes) -> SourceChanged:
    return SourceChanged(f"{shorten(as_text(os.fsdecode(path)))} was changed while it was being sent.")


def unreadable(path: str | bytes, trouble: OSError) -> Unreadable:
    return Unreadable(f"{shorten(as_text(os.fsdecode(path)))} cannot be read: {trouble.strerror}.")


def as_text(name: str) -> str:
    """Return a file name as text. Bytes that are not UTF-8 become U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def kind_of(mode: int) -> str:
    kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")
