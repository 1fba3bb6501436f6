"""What has arrived of an offer, kept until it is whole: a hidden folder beside the place where the file will be.

    .plytalk-KEY.part/
        state      the inode of `data`, in decimal; locked by the process that receives
        leaves     the hash of each chunk that was checked and written
        data       the file or the folder that arrives
        manifest   of a folder

A chunk is checked against the root before it is written, and its leaf is written after it. Whatever ends the process, what is
here can be verified by hashing it again. Only when all is here does `data` get its final name, in one step.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress

from plytalk.core.contracts.sanitise import shorten
from plytalk.plugins.files.descriptors import write_all
from plytalk.plugins.files.file_limits import BLOCK, CHUNK, MAX_PARTIALS, PARTIAL_DAYS
from plytalk.plugins.files.hash_tree import HASH, TreeCheck, chunk_length, chunks_in, root_of
from plytalk.plugins.files.manifest import FileOffer, check_offer
from plytalk.plugins.files.safe_folder import SafeFolder, storing
from plytalk.plugins.files.safe_names import safe_name
from plytalk.plugins.files.stored_stream import DATA, StoredStream
from plytalk.plugins.files.transfer_errors import BadOffer, Damaged, NoSpace, NotStored
from plytalk.trust.locks import acquire

_PREFIX, _SUFFIX = ".plytalk-", ".part"
_STATE, _LEAVES = "state", "leaves"
_DAY = 86400


class Partial:
    """One transfer that arrives, in a folder. Raises NotStored, NoSpace (this side), Damaged, BadOffer (the sender).

    After an error of this side it can only be closed; `open` takes it up again.
    """

    def __init__(self, into: SafeFolder, offer: FileOffer, *, sync: bool = False) -> None:
        check_offer(offer)
        self.offer = offer
        self.received = 0
        """The first byte that is missing. Of use after `resuming`."""
        self._into = into
        self._sync = sync
        self._check = TreeCheck(offer.size, offer.root, offer.hash)
        self._stream: StoredStream | None = None
        self._finished: str | None = None
        with storing(offer.name):
            name = f"{_PREFIX}{offer.key}{_SUFFIX}"
            expire(into, keep=name)
            self._kept = _Kept(into, name)

    @classmethod
    def open(cls, into: SafeFolder, offer: FileOffer, *, sync: bool = False) -> "Partial":
        """Take up what is kept of this offer, or begin. What is kept is read and verified: for large files see `resuming`."""
        partial = cls(into, offer, sync=sync)
        try:
            for _ in partial.resuming():
                pass
        except BaseException:
            partial.close()
            raise
        return partial

    def resuming(self) -> Iterator[int]:
        """Verify what is kept, chunk by chunk, and then be ready for more; yields how many bytes are right so far."""
        with storing(self.offer.name):
            if self._is_finished():
                self.received = self.offer.size
                return
            self._kept.make_data(self.offer.folder)
            yield from self._verify()
            if self.offer.folder and self.received < self.offer.head:  # nothing in it is known to be right
                self._kept.make_data(folder=True, again=True)
            self._kept.forget_after(chunks_in(self.received))
            if (needed := self.offer.size - self.received) > (free := self._into.free()):
                raise NoSpace(f"{shorten(self.offer.name)} needs {needed} bytes, and there is space for {free}.")
            self._stream = StoredStream(self._kept.folder, self.offer, sync=self._sync)
            self._stream.skip(self.received)

    def _is_finished(self) -> bool:
        """Whether the process ended after the file had got its name."""
        self._kept.drop_second_name()
        if inode := self._kept.moved_inode():
            self._finished = self._into.name_of(inode, self.offer.mtime)
        return self._finished is not None

    def _verify(self) -> Iterator[int]:
        stream = StoredStream(self._kept.folder, self.offer)
        buffer = memoryview(bytearray(min(CHUNK, self.offer.size)))
        try:
            for index in range(min(self._kept.leaves_count(), chunks_in(self.offer.size))):
                chunk = buffer[: chunk_length(self.offer.size, index)]
                if not stream.read_into(chunk) or self._check.hash_chunk(chunk) != self._kept.leaf(index):
                    return
                self.received += len(chunk)
                yield self.received
        except BadOffer:  # the manifest on the disk is not the one that was written
            return
        finally:
            stream.close()

    def proof(self, block: int, proof: bytes) -> None:
        """Take the proof of a block, before its chunks. Raises Damaged."""
        self._check.proof(block, proof)

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Check the chunk that begins at `received`, and write it. Raises Damaged before anything is written."""
        leaf = self._check.leaf(self.received // CHUNK, chunk)
        stream = self._usable()
        self._stream = None  # until all is written
        try:
            with storing(self.offer.name):
                stream.write(chunk)
                self._kept.add_leaf(leaf)
        except BaseException:
            stream.close()
            raise
        self._stream = stream
        self.received += len(chunk)

    def _usable(self) -> StoredStream:
        if self._stream is None:
            raise NotStored(f"{shorten(self.offer.name)} cannot be written any more.")
        return self._stream

    def finish(self, *, overwrite: bool = False) -> str:
        """Check the whole, give it its final name, and tell it: the one offered, or with a number where that one is in use.

        With `overwrite` a file takes the place of the one that has its name. Raises Damaged if anything is missing.
        """
        if self._finished is None:
            stream = self._usable()
            if self.received != self.offer.size or not stream.complete:
                raise Damaged("The file is not complete.")
            if root_of(self.offer.size, self._kept.leaves_of_blocks(), self.offer.hash) != self.offer.root:
                raise Damaged
            with storing(self.offer.name):
                self._finished = self._name(overwrite and not self.offer.folder)
        self.discard()
        return self._finished

    def _name(self, overwrite: bool) -> str:
        move = self._into.take_over if overwrite else self._into.take
        name = move(self._kept.folder, DATA, safe_name(self.offer.name))
        if self._sync:
            self._into.sync()
        return name

    def close(self) -> None:
        """Keep what has arrived."""
        if self._stream:
            self._stream.close()
        self._stream = None
        self._kept.close()

    def discard(self) -> None:
        """Remove what has arrived."""
        self._kept.remove()
        self.close()


class _Kept:
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

    def _hold(self, name: str) -> int:
        descriptor = self.folder.open_file(name)
        self._open.append(descriptor)
        return descriptor

    def make_data(self, folder: bool, again: bool = False) -> None:
        """Make `data`, if need be, and note which inode it is."""
        if again:
            self.folder.remove(DATA)
        if folder:
            self.folder.make_folder(DATA).close()
        else:
            os.close(self.folder.open_file(DATA))
        os.ftruncate(self._state, 0)
        os.pwrite(self._state, str(self.folder.inode(DATA)).encode(), 0)

    def drop_second_name(self) -> None:
        """A file that has its final name already must never be written to."""
        with suppress(FileNotFoundError):
            if self.folder.is_shared(DATA):
                self.folder.remove(DATA)

    def moved_inode(self) -> int | None:
        """The inode of `data`, if it was there and is gone."""
        noted = os.pread(self._state, 32, 0)
        return int(noted) if noted.isdigit() and self.folder.inode(DATA) is None else None

    def leaves_count(self) -> int:
        """How many leaves are stored."""
        return os.fstat(self._leaves).st_size // HASH

    def leaf(self, index: int) -> bytes:
        """The stored leaf of a chunk."""
        return os.pread(self._leaves, HASH, index * HASH)

    def leaves_of_blocks(self) -> Iterator[bytes]:
        """All leaves, as many at a time as a block has."""
        start = 0
        while part := os.pread(self._leaves, BLOCK * HASH, start):
            start += len(part)
            yield part

    def add_leaf(self, leaf: bytes) -> None:
        """Store the next leaf."""
        write_all(self._leaves, leaf)

    def forget_after(self, count: int) -> None:
        """Keep so many leaves, and go on there."""
        os.ftruncate(self._leaves, count * HASH)
        os.lseek(self._leaves, 0, os.SEEK_END)

    def remove(self) -> None:
        """Remove all of it, the state last: what is in the folder by its handle, since another may have its name by now."""
        for name in sorted(self.folder.names(), key=_STATE.__eq__):
            self.folder.remove(name)
        with suppress(OSError):
            os.rmdir(self._name, dir_fd=self._into.descriptor)

    def close(self) -> None:
        """Let another process have it."""
        for descriptor in self._open:
            os.close(descriptor)
        self._open.clear()
        self.folder.close()


def expire(into: SafeFolder, keep: str) -> None:
    """Remove unfinished transfers that nobody took up for a week, or beyond the newest twenty; none in use, and not `keep`."""
    names = (name for name in into.names() if name.startswith(_PREFIX) and name.endswith(_SUFFIX) and name != keep)
    oldest = time.time() - PARTIAL_DAYS * _DAY
    for place, (changed, name) in enumerate(sorted(((into.changed(name), name) for name in names), reverse=True), 2):
        if changed < oldest or place > MAX_PARTIALS:
            with suppress(OSError, NotStored):
                unused = _Kept(into, name)
                unused.remove()
                unused.close()
