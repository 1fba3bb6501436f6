"""What reading a file or a folder needs: its stream of bytes, and the look at each file before and after."""

import os
import stat
from abc import ABC, abstractmethod

from plytalk.core.contracts.sanitise import shorten
from plytalk.plugins.files.transfer_errors import SourceChanged, Unreadable

FILE_FLAGS: int = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a named pipe put in a file's place must not block
NO_WAIT: int | None = getattr(os, "RWF_NOWAIT", None)
"""Has a read fail where it would wait for the disk; None where the system cannot do that. Some file systems cannot either."""
FOLDER_FLAGS: int = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY


class Source(ABC):
    """A file or a folder as one stream of bytes. `read_into` may be called from any thread, by one at a time."""

    name: str
    size: int
    """The length of the stream, in bytes."""
    head: int = 0
    """How many of them are a folder's manifest."""
    folder: bool = False
    count: int = 1
    """How many files there are."""
    mode: int
    mtime: int
    """In nanoseconds since 1970."""

    @abstractmethod
    def read_into(self, buffer: memoryview, offset: int) -> int:
        """Fill the buffer from this place of the stream on; less only at its end. Raises SourceChanged, Unreadable."""

    def read_now(self, buffer: memoryview, offset: int) -> bool:
        """The same where it needs no disk; False, with anything in the buffer, where it does or where something is wrong."""
        return False

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""


def read_exactly(path: str | bytes, descriptor: int, buffer: memoryview, offset: int, stamp: tuple[int, ...]) -> None:
    """Fill the buffer from a file that must be as its stamp says, before and after."""
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
    """Fill the buffer where the system has it all in memory, and the file is as its stamp says; whether that was so."""
    if NO_WAIT is None:
        return False
    try:
        return os.preadv(descriptor, [buffer], offset, NO_WAIT) == len(buffer) and stamp_of(os.fstat(descriptor)) == stamp
    except OSError:
        return False


def stamp_of(status: os.stat_result) -> tuple[int, ...]:
    """What changes when a file is replaced or written to. It is the same after a file was renamed."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns & (2**64 - 1)


def changed(path: str | bytes) -> SourceChanged:
    return SourceChanged(f"{shorten(as_text(os.fsdecode(path)))} was changed while it was being sent.")


def unreadable(path: str | bytes, trouble: OSError) -> Unreadable:
    return Unreadable(f"{shorten(as_text(os.fsdecode(path)))} cannot be read: {trouble.strerror}.")


def as_text(name: str) -> str:
    """A name as text: bytes that are not UTF-8 become U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def kind_of(mode: int) -> str:
    kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")
