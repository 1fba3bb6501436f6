"""The hidden folder of a transfer that is not finished, held by one process: `.plytalk-KEY.part`, beside where the file will be.

state      the inode of `data`, in decimal; locked by the receiving process
leaves     the hash of each chunk that was checked and written
data       the file or folder that is being received
manifest   the manifest of a folder
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

from plytalk.core.io.descriptors import write_all
from plytalk.plugins.files.file_limits import BLOCK, MAX_PARTIALS, PARTIAL_DAYS
from plytalk.plugins.files.hash_tree import HASH
from plytalk.plugins.files.safe_folder import OF_ANOTHER_KIND, SafeFolder
from plytalk.plugins.files.safe_names import safe_name
from plytalk.plugins.files.transfer_errors import NotStored
from plytalk.trust.locks import acquire

T = TypeVar("T")
DATA = "data"
_PREFIX, _SUFFIX = ".plytalk-", ".part"
_STATE, _LEAVES = "state", "leaves"
_DAY = 86400


class KeptFolder:
    """The hidden folder of one unfinished transfer, held by one process."""

    def __init__(self, into: SafeFolder, name: str) -> None:
        self._into = into
        self._name = name
        self.folder = into.make_folder(name)
        self._open: list[int] = []
        try:
            self._state = self._hold(_STATE)
            status = os.fstat(self.folder.descriptor)
            if not acquire(self._state, 0) or into.inode(name) != status.st_ino:
                raise NotStored("This file is being received already.", "Wait for the other transfer to end.")
            if status.st_mode & 0o077:
                raise NotStored(f"{name} is open to other users.", "Remove it.")
            self._leaves = self._hold(_LEAVES)
            os.utime(self.folder.descriptor)
        except BaseException:
            self.close()
            raise

    @classmethod
    def of(cls, into: SafeFolder, key: str) -> "KeptFolder":
        """Return the folder with this key, created if necessary. Old ones are removed."""
        name = f"{_PREFIX}{key}{_SUFFIX}"
        expire(into, keep=name)
        return cls(into, name)

    def _hold(self, name: str) -> int:
        descriptor = self._made(name, self.folder.open_file)
        self._open.append(descriptor)
        return descriptor

    def _made(self, name: str, make: Callable[[str], T]) -> T:
        """Create something with this name, after removing anything of another kind that has it."""
        try:
            return make(name)
        except OSError as trouble:
            if trouble.errno not in OF_ANOTHER_KIND:
                raise
            self.folder.remove(name)
            return make(name)

    def make_data(self, folder: bool, again: bool = False) -> None:
        """Create `data` if necessary, and record its inode."""
        if again:
            self.folder.remove(DATA)
        if folder:
            self._made(DATA, self.folder.make_folder).close()
        else:
            os.close(self._made(DATA, self.folder.open_file))
        noted = str(self.folder.inode(DATA)).encode()
        os.pwrite(self._state, noted, 0)
        os.ftruncate(self._state, len(noted))  # behind the write, which can fail on a full disk

    def drop_second_name(self) -> None:
        """Detach `data` if it is also a file with its final name, which must never be written to."""
        with suppress(FileNotFoundError):
            if self.folder.is_shared(DATA):
                self.folder.remove(DATA)

    def moved_inode(self) -> int | None:
        """Return the recorded inode of `data` if `data` was moved away, and None while it is in this folder."""
        noted = os.pread(self._state, 32, 0)
        return int(noted) if noted.isdigit() and self.folder.inode(DATA) is None else None

    def leaves_count(self) -> int:
        """Return the number of stored leaves."""
        return os.fstat(self._leaves).st_size // HASH

    def leaf(self, index: int) -> bytes:
        """Return the stored leaf of a chunk."""
        return os.pread(self._leaves, HASH, index * HASH)

    def leaves_of_blocks(self) -> Iterator[bytes]:
        """Yield all leaves, block by block."""
        start = 0
        while part := os.pread(self._leaves, BLOCK * HASH, start):
            start += len(part)
            yield part

    def add_leaf(self, leaf: bytes) -> None:
        """Store the next leaf."""
        write_all(self._leaves, leaf)

    def forget_after(self, count: int) -> None:
        """Keep this many leaves, and remove the others."""
        os.ftruncate(self._leaves, count * HASH)
        os.lseek(self._leaves, 0, os.SEEK_END)

    def give_name(self, wanted: str, *, sync: bool, replace: bool = False) -> str:
        """Move `data` to its final place, in one step. Return its name there."""
        name = self._into.take(self.folder, DATA, safe_name(wanted), replace=replace)
        if sync:
            self._into.sync()
        return name

    def remove(self) -> None:
        """Remove the folder, the state last, through its handle: another folder may have its name by now."""
        if not self.folder.is_open:
            return
        for name in sorted(self.folder.names(), key=_STATE.__eq__):
            self.folder.remove(name)
        with suppress(OSError):
            os.rmdir(self._name, dir_fd=self._into.descriptor)

    def close(self) -> None:
        """Unlock the folder for other processes."""
        for descriptor in self._open:
            os.close(descriptor)
        self._open.clear()
        self.folder.close()


def expire(into: SafeFolder, keep: str) -> None:
    """Remove unfinished transfers that are a week old, or not among the newest twenty; none that is in use, and not `keep`."""
    names = (name for name in into.names() if name.startswith(_PREFIX) and name.endswith(_SUFFIX) and name != keep)
    oldest = time.time() - PARTIAL_DAYS * _DAY
    for place, (changed, name) in enumerate(sorted(((into.changed(name), name) for name in names), reverse=True), 2):
        if changed < oldest or place > MAX_PARTIALS:
            with suppress(OSError, NotStored):
                unused = KeptFolder(into, name)
                unused.remove()
                unused.close()
