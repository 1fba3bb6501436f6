"""A folder to send: its manifest, and then its files one after another.

Each file is opened when its turn comes, by a walk from the folder's descriptor. It must still be the file that the first walk
found: the same inode, size and time of change.
"""

import os
import stat
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator

from plytalk.core.contracts.sanitise import shorten
from plytalk.core.io.descriptors import CLOSED, close_once
from plytalk.plugins.files.file_limits import MAX_DEPTH, MAX_ENTRIES, MAX_MANIFEST, MAX_SIZE
from plytalk.plugins.files.manifest import Entry, encode_entry
from plytalk.plugins.files.reading import (
    FILE_FLAGS,
    FOLDER_FLAGS,
    Source,
    as_text,
    changed,
    kind_of,
    read_exactly,
    stamp_of,
    unreadable,
)
from plytalk.plugins.files.transfer_errors import TransferError

_STAMP = 4
"""The number of values in a stamp."""
_PACK = "Pack it and send it as a stream: `tar c FOLDER | chat send -`."


class FolderSource(Source):
    """A folder as a stream: its manifest and then the contents of its files. It owns the folder's open descriptor."""

    folder = True

    def __init__(self, path: str, descriptor: int, skipped: Callable[[str], None]) -> None:
        self._root = path
        self._descriptor = descriptor
        self._skipped = skipped
        self._paths: list[bytes] = []
        """The paths of the files, relative to the folder."""
        self._starts = array("Q")
        """The offset in the stream at which each file begins."""
        self._stamps = array("Q")
        self._open_file = self._open_parent = CLOSED
        self._index = -1
        self._parent = b""
        status = os.fstat(descriptor)
        self.name = as_text(os.path.basename(path)) or "files"
        self.mode = stat.S_IMODE(status.st_mode)
        self.mtime = status.st_mtime_ns
        try:
            self._walk_all()
        except BaseException:
            self.close()
            raise

    def _walk_all(self) -> None:
        manifest = bytearray()
        self._entries = 0
        sizes = array("Q")
        for entry in self._walk(self._descriptor, b"", 0):
            manifest += encode_entry(entry)
            if len(manifest) > MAX_MANIFEST:
                raise self._too_much()
            if entry.size is not None:
                sizes.append(entry.size)
        self._manifest = bytes(manifest)
        self.head = self.size = len(manifest)
        for size in sizes:
            self._starts.append(self.size)
            self.size += size
        self.count = len(self._paths)
        if self.size > MAX_SIZE:
            raise TransferError(f"{shorten(self._root)} has more than {MAX_SIZE} bytes.")

    def _walk(self, folder: int, above: bytes, depth: int) -> Iterator[Entry]:
        """Yield the entries of a folder, sorted by name, each folder before its own entries."""
        for name in self._names(folder):
            path = above + os.fsencode(name)
            try:
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except OSError as trouble:  # removed since it was listed
                raise unreadable(path, trouble) from None
            size = status.st_size if stat.S_ISREG(status.st_mode) else None
            entry = Entry(depth, as_text(name), stat.S_IMODE(status.st_mode), status.st_mtime_ns, size)
            if size is not None:
                self._paths.append(path)
                self._stamps.extend(stamp_of(status))
                yield entry
            elif not stat.S_ISDIR(status.st_mode):
                self._skipped(f"{shorten(as_text(os.fsdecode(path)))} is {kind_of(status.st_mode)} and is left out.")
            else:
                yield entry
                yield from self._walk_below(folder, name, path, depth + 1)

    def _walk_below(self, folder: int, name: str, path: bytes, depth: int) -> Iterator[Entry]:
        try:
            below = os.open(name, FOLDER_FLAGS, dir_fd=folder)
        except OSError as trouble:
            raise unreadable(path, trouble) from None
        try:
            if depth == MAX_DEPTH and os.listdir(below):
                raise TransferError(f"{shorten(self._root)} has more than {MAX_DEPTH} folders inside each other.", _PACK)
            yield from self._walk(below, path + b"/", depth)
        finally:
            os.close(below)

    def _names(self, folder: int) -> list[str]:
        names = []
        with os.scandir(folder) as found:
            for one in found:
                self._entries += 1
                if self._entries > MAX_ENTRIES:
                    raise self._too_much()
                names.append(one.name)
        return sorted(names)

    def _too_much(self) -> TransferError:
        return TransferError(f"{shorten(self._root)} has more than {MAX_ENTRIES} files and folders.", _PACK)

    def read_into(self, buffer: memoryview, offset: int) -> int:
        wanted = min(len(buffer), self.size - offset)
        filled = 0
        while filled < wanted:
            filled += self._read_part(buffer[filled:wanted], offset + filled)
        return wanted

    def _read_part(self, buffer: memoryview, offset: int) -> int:
        """Read from one file, or the manifest, at this offset of the stream."""
        if offset < self.head:
            piece = self._manifest[offset : offset + len(buffer)]
            buffer[: len(piece)] = piece
            return len(piece)
        index = bisect_right(self._starts, offset) - 1
        stamp = tuple(self._stamps[index * _STAMP : (index + 1) * _STAMP])
        path = self._paths[index]
        self._open(index, path)
        inside = offset - self._starts[index]
        part = buffer[: stamp[2] - inside]
        read_exactly(path, self._open_file, part, inside, stamp)
        return len(part)

    def _open(self, index: int, path: bytes) -> None:
        """Open this file, if another one is open."""
        if index == self._index:
            return
        self._close_file()
        above, _, name = path.rpartition(b"/")
        try:
            if self._open_parent == CLOSED or above != self._parent:
                self._open_folder(above)
            self._open_file = os.open(name, FILE_FLAGS, dir_fd=self._open_parent)
        except (FileNotFoundError, NotADirectoryError):
            raise changed(path) from None
        except OSError as trouble:
            raise unreadable(path, trouble) from None
        self._index = index

    def _open_folder(self, path: bytes) -> None:
        self._close_parent()
        below = os.dup(self._descriptor)
        for part in path.split(b"/") if path else ():
            above = below
            try:
                below = os.open(part, FOLDER_FLAGS, dir_fd=above)
            finally:
                os.close(above)
        self._open_parent, self._parent = below, path

    def _close_file(self) -> None:
        self._open_file = close_once(self._open_file)
        self._index = -1

    def _close_parent(self) -> None:
        self._open_parent = close_once(self._open_parent)

    def close(self) -> None:
        self._close_file()
        self._close_parent()
        self._descriptor = close_once(self._descriptor)
