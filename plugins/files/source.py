"""A file or folder to send. Links are not followed, and changes are noticed. A file stays open, so it may be renamed."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress

from plytalk.core.contracts.sanitise import shorten
from plytalk.core.io.descriptors import close_once
from plytalk.plugins.files.file_limits import CHUNK, MAX_SIZE
from plytalk.plugins.files.folder_source import FolderSource
from plytalk.plugins.files.hash_tree import KNOWN, HashTree, chunk_length, chunks_in
from plytalk.plugins.files.manifest import FileOffer
from plytalk.plugins.files.reading import (
    FILE_FLAGS,
    FOLDER_FLAGS,
    Source,
    as_text,
    kind_of,
    read_cached,
    read_exactly,
    stamp_of,
    unreadable,
)
from plytalk.plugins.files.transfer_errors import TransferError


def open_source(path: str | os.PathLike[str], skipped: Callable[[str], None]) -> Source:
    """Open a file or folder. `skipped` gets a sentence about each entry of a folder that is left out. Raises TransferError.

    Walking a large folder takes long: call this in a thread.
    """
    path, descriptor = opened(path)
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        return FolderSource(path, descriptor, skipped)
    return FileSource(path, descriptor)


def check_source(path: str | os.PathLike[str]) -> None:
    """Check that this is a file or a folder that can be opened now. Raises TransferError."""
    os.close(opened(path)[1])


def opened(path: str | os.PathLike[str]) -> tuple[str, int]:
    """Open a file or folder. Return its absolute path and the descriptor. Raises TransferError."""
    if not (path := os.fspath(path)):
        raise TransferError("An empty name is not the name of a file.")
    with suppress(ValueError):  # a NUL, which is refused below
        path = os.path.expanduser(path)
    path = os.path.abspath(path)
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            raise TransferError(f"{shorten(path)} is a symbolic link.", "Name the file it points to.")
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise TransferError(f"{shorten(path)} is {kind_of(mode)} and cannot be sent.")
        return path, os.open(path, FOLDER_FLAGS if stat.S_ISDIR(mode) else FILE_FLAGS)
    except OSError as trouble:
        raise unreadable(path, trouble) from None
    except ValueError:  # a NUL, or half a surrogate pair
        raise TransferError(f"{shorten(path)} is not the name of a file.") from None


def hashing(source: Source, tree: HashTree) -> Iterator[int]:
    """Hash a whole source into its tree. Yields the number of bytes read after each chunk."""
    buffer = memoryview(bytearray(min(CHUNK, source.size)))
    for index in range(chunks_in(source.size)):
        chunk = buffer[: chunk_length(source.size, index)]
        source.read_into(chunk, index * CHUNK)
        try:
            tree.add(chunk)
        except OSError as trouble:
            raise TransferError(f"The hashes of {shorten(source.name)} cannot be kept: {trouble.strerror}.") from None
        yield index * CHUNK + len(chunk)


def hash_source(source: Source, algorithm: str = KNOWN[0]) -> HashTree:
    """Return the tree of a source."""
    tree = HashTree(source.size, algorithm)
    for _ in hashing(source, tree):
        pass
    return tree


def make_offer(source: Source, tree: HashTree) -> FileOffer:
    """Return the offer of a source."""
    return FileOffer(
        name=source.name,
        size=source.size,
        root=tree.root,
        hash=tree.algorithm,
        head=source.head,
        folder=source.folder,
        count=source.count,
        mode=source.mode,
        mtime=source.mtime,
    )


class FileSource(Source):
    """One file. It owns the open descriptor."""

    def __init__(self, path: str, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        self._stamp = stamp_of(status)
        self.name = as_text(os.path.basename(path))
        self.size = status.st_size
        self.mode = stat.S_IMODE(status.st_mode)
        self.mtime = status.st_mtime_ns
        if not stat.S_ISREG(status.st_mode) or self.size > MAX_SIZE:
            self.close()
            raise TransferError(f"{shorten(path)} is not a plain file of at most {MAX_SIZE} bytes.")

    def read_into(self, buffer: memoryview, offset: int) -> int:
        wanted = min(len(buffer), self.size - offset)
        read_exactly(self._path, self._descriptor, buffer[:wanted], offset, self._stamp)
        return wanted

    def read_now(self, buffer: memoryview, offset: int) -> bool:
        return read_cached(self._descriptor, buffer[: self.size - offset], offset, self._stamp)

    def close(self) -> None:
        self._descriptor = close_once(self._descriptor)
