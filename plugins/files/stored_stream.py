"""The files into which an incoming stream is written, in the folder of an unfinished transfer.

The folder holds `data`, which is the file or the folder itself, and for a folder `manifest`. Everything is written strictly in
order. Files and folders may exist already, so that a transfer can continue at any offset.
"""

import os
from collections.abc import Generator, Iterator
from typing import NamedTuple

from plytalk.core.io.descriptors import CLOSED, close_once, mask_of_user, write_all
from plytalk.plugins.files.kept_folder import DATA
from plytalk.plugins.files.manifest import Entry, FileOffer, check_manifest, entries_of
from plytalk.plugins.files.safe_folder import SafeFolder
from plytalk.plugins.files.safe_names import numbered, safe_name, twin_key
from plytalk.plugins.files.transfer_errors import BadOffer

MANIFEST = "manifest"


class _Part(NamedTuple):
    """One file that the stream fills."""

    folder: SafeFolder
    name: str
    size: int
    mode: int
    mtime: int


class _Level:
    """A folder whose entries are being created, and the names in use in it."""

    def __init__(self, folder: SafeFolder, mode: int, mtime: int) -> None:
        self.folder = folder
        self.mode = mode
        self.mtime = mtime
        self._taken: dict[str, int] = {}
        """The names in use, ignoring case, each with the number to try next."""

    def free_name(self, text: str) -> str:
        """Return a safe name that no other entry has, even in another case. Raises BadOffer if thousands have one name."""
        name = safe_name(text, inside=True)
        wanted = twin_key(name)
        if wanted not in self._taken:
            self._taken[wanted] = 1
            return name
        for number, free in numbered(name, self._taken[wanted]):
            if (key := twin_key(free)) not in self._taken:
                self._taken[key] = 1
                self._taken[wanted] = number + 1
                return free
        raise BadOffer("The folder has too many entries of one name.")


class StoredStream:
    """The files of a transfer, read or written from the beginning of its stream. Raises OSError, and BadOffer (manifest)."""

    def __init__(self, folder: SafeFolder, offer: FileOffer, *, sync: bool = False) -> None:
        self._folder = folder
        self._offer = offer
        self._sync = sync
        self._descriptor = CLOSED
        self._inside = 0
        self._levels: list[_Level] = []
        self._mask = mask_of_user()
        self._parts = self._walk()
        self._part: _Part | None = None
        self._next()

    @property
    def complete(self) -> bool:
        """Whether the stream is at its end."""
        return self._part is None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write the next bytes of the stream."""
        view = memoryview(data)
        while view:
            part = self._opened(writing=True)
            piece = view[: part.size - self._inside]
            write_all(self._descriptor, piece)
            view = view[len(piece) :]
            self._moved(len(piece))

    def read_into(self, buffer: memoryview) -> bool:
        """Read the next bytes of the stream. Return False if fewer are there."""
        while buffer:
            part = self._opened(writing=False)
            count = os.readv(self._descriptor, [buffer[: part.size - self._inside]])
            if not count:
                return False
            buffer = buffer[count:]
            self._moved(count)
        return True

    def skip(self, count: int) -> None:
        """Skip bytes that are there already."""
        while count and self._part:
            step = min(count, self._part.size - self._inside)
            count -= step
            self._inside += step
            if self._inside == self._part.size:
                self._next()

    def close(self) -> None:
        """Close all open files."""
        self._close_file()
        self._parts.close()
        for level in self._levels:
            level.folder.close()
        self._levels.clear()

    def _opened(self, writing: bool) -> _Part:
        part = self._part
        assert part is not None
        if self._descriptor == CLOSED:
            self._descriptor = self._made(part)
            if os.lseek(self._descriptor, 0, os.SEEK_END):  # it existed before
                if writing:
                    os.ftruncate(self._descriptor, self._inside)
                os.lseek(self._descriptor, self._inside, os.SEEK_SET)
        return part

    @staticmethod
    def _made(part: _Part) -> int:
        return part.folder.open_file(part.name, part.mode & 0o777 | 0o600)

    def _moved(self, count: int) -> None:
        self._inside += count
        if self._part and self._inside == self._part.size:
            self._end_file(self._part)
            self._next()

    def _end_file(self, part: _Part) -> None:
        if part.folder is self._folder:  # it may have been created for an offer with another mode
            os.fchmod(self._descriptor, part.mode & self._mask | 0o600)
        self._label(self._descriptor, part.mtime)
        self._close_file()

    def _label(self, descriptor: int, mtime: int) -> None:
        """Set the time of a file or folder, and with `sync` wait until it is on the disk."""
        os.utime(descriptor, ns=(mtime, mtime))
        if self._sync:
            os.fsync(descriptor)

    def _close_file(self) -> None:
        self._descriptor = close_once(self._descriptor)

    def _next(self) -> None:
        """Go to the next file with content. Create the folders and the empty files before it."""
        self._inside = 0
        self._part = next(self._parts, None)

    def _walk(self) -> Generator[_Part, None, None]:
        offer = self._offer
        if not offer.folder:
            yield from self._file(self._folder, DATA, offer.most, offer.mode, offer.mtime)
            return
        yield from self._file(self._folder, MANIFEST, offer.head, 0, 0)
        manifest = self._read_manifest()
        check_manifest(offer, entries_of(manifest))
        self._enter(self._folder, DATA, offer.mode, offer.mtime)
        for entry in entries_of(manifest):
            yield from self._entry(entry)
        self._leave(0)

    def _entry(self, entry: Entry) -> Iterator[_Part]:
        self._leave(entry.depth + 1)
        level = self._levels[-1]
        name = level.free_name(entry.name)
        if entry.size is None:
            self._enter(level.folder, name, entry.mode, entry.mtime)
        else:
            yield from self._file(level.folder, name, entry.size, entry.mode, entry.mtime)

    def _file(self, folder: SafeFolder, name: str, size: int, mode: int, mtime: int) -> Iterator[_Part]:
        part = _Part(folder, name, size, mode, mtime)
        if size:
            yield part
        else:
            self._descriptor = self._made(part)
            self._end_file(part)

    def _enter(self, folder: SafeFolder, name: str, mode: int, mtime: int) -> None:
        self._levels.append(_Level(folder.make_folder(name), mode, mtime))

    def _leave(self, depth: int) -> None:
        """Leave the folders deeper than this, which are complete."""
        while len(self._levels) > depth:
            level = self._levels.pop()
            os.fchmod(level.folder.descriptor, level.mode & self._mask | 0o700)
            self._label(level.folder.descriptor, level.mtime)
            level.folder.close()

    def _read_manifest(self) -> bytes:
        descriptor = self._folder.open_file(MANIFEST)
        with open(descriptor, "rb") as file:
            return file.read(self._offer.head)
