"""The part of a file that has been received, kept until it is complete.

A chunk is checked against the root before it is written, and its leaf is written after it. However the process ends, the part can
be verified by hashing it again. `data` gets its final name, in one step, only when it is complete.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from plytalk.core.contracts.sanitise import shorten
from plytalk.core.io.sizes import size_in_words
from plytalk.plugins.files.file_limits import CHUNK
from plytalk.plugins.files.hash_tree import TreeCheck, chunk_length, chunks_in, root_of
from plytalk.plugins.files.kept_folder import KeptFolder
from plytalk.plugins.files.manifest import FileOffer, check_offer
from plytalk.plugins.files.safe_folder import OF_ANOTHER_KIND, SafeFolder, storing
from plytalk.plugins.files.stored_stream import StoredStream
from plytalk.plugins.files.transfer_errors import BadOffer, Damaged, NoSpace, NotStored

KEPT = "Make room and accept it again: what has arrived is kept."
"""The advice to a user whose disk has too little space for the rest of a file."""


class Partial:
    """One incoming transfer, in a folder. Raises NotStored and NoSpace (this side's fault), Damaged and BadOffer (the sender's).

    After an error of this side it can only be closed; `open` continues it.
    """

    def __init__(self, into: SafeFolder, offer: FileOffer, *, sync: bool = False) -> None:
        check_offer(offer)
        self.offer = offer
        self.received = 0
        """The first missing byte. Valid after `resuming`."""
        self._into = into
        self._sync = sync
        self._check = TreeCheck(offer.most, offer.root or b"", offer.hash)
        self._stream: StoredStream | None = None
        self._finished: str | None = None
        with storing(offer.name):
            self._kept = KeptFolder.of(into, offer.key)

    @classmethod
    def open(cls, into: SafeFolder, offer: FileOffer, *, sync: bool = False) -> "Partial":
        """Continue a kept part of this offer, or begin. The part is read and verified; see `resuming` for large files."""
        partial = cls(into, offer, sync=sync)
        try:
            for _ in partial.resuming():
                pass
        except BaseException:
            partial.close()
            raise
        return partial

    def resuming(self) -> Iterator[int]:
        """Verify the kept part, chunk by chunk, and prepare for more. Yields the number of bytes verified so far."""
        with self._storing():
            if self._is_finished():
                self.received = self.offer.most
                return
            self._kept.make_data(self.offer.folder)
            yield from self._verify()
            if self.offer.folder and self.received < self.offer.head:  # none of it can be verified
                self._kept.make_data(folder=True, again=True)
            self._kept.forget_after(chunks_in(self.received))
            if (needed := self.offer.most - self.received) > (free := self._into.free()):
                raise NoSpace(
                    f"{shorten(self.offer.name)} needs {size_in_words(needed)}, and there is space for {size_in_words(free)}."
                )
            self._stream = StoredStream(self._kept.folder, self.offer, sync=self._sync)
            self._stream.skip(self.received)

    @contextmanager
    def _storing(self) -> Iterator[None]:
        """Do what `storing` does. If space is missing and nothing has arrived, nothing is left; otherwise the user is told."""
        try:
            with storing(self.offer.name):
                yield
        except NoSpace as error:
            if self.received or self._kept.leaves_count():  # while it is verified, nothing is received yet
                raise NoSpace(str(error), KEPT) from None
            with suppress(OSError):
                self._kept.remove()
            raise

    def _is_finished(self) -> bool:
        """Whether the process ended after the file got its final name."""
        self._kept.drop_second_name()
        if inode := self._kept.moved_inode():
            self._finished = self._into.name_of(inode, self.offer.mtime)
        return self._finished is not None

    def _verify(self) -> Iterator[int]:
        stream = StoredStream(self._kept.folder, self.offer)
        buffer = memoryview(bytearray(min(CHUNK, self.offer.most)))
        try:
            for index in range(min(self._kept.leaves_count(), chunks_in(self.offer.most))):
                chunk = buffer[: chunk_length(self.offer.most, index)]
                if not stream.read_into(chunk) or self._check.hash_chunk(chunk) != self._kept.leaf(index):
                    return
                self.received += len(chunk)
                yield self.received
        except BadOffer:  # the manifest on disk is not the one that was written
            return
        except OSError as trouble:
            if trouble.errno not in OF_ANOTHER_KIND:
                raise
            self.received = 0  # create the folder again
        finally:
            stream.close()

    def proof(self, block: int, proof: bytes) -> None:
        """Take the proof of a block, before its chunks. Raises Damaged."""
        self._check.proof(block, proof)

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Check the chunk that begins at `received`, and write it. Raises Damaged before anything is written."""
        leaf = self._check.leaf(self.received // CHUNK, chunk)
        stream = self._usable()
        self._stream = None  # until everything is written
        try:
            with self._storing():
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

    def finish(self, *, replace: bool = False) -> str:
        """Check that everything has arrived, and give it its final name: the offered one, with a number if that is in use.
        Return the name.

        With `replace`, a file replaces one of the same name. Raises Damaged if anything is missing.
        """
        if self._finished is None:
            stream = self._usable()
            if self.received != self.offer.most or not stream.complete:
                raise Damaged("The file is not complete.")
            if root_of(self.offer.most, self._kept.leaves_of_blocks(), self.offer.hash) != self.offer.root:
                raise Damaged
            with self._storing():
                self._finished = self._kept.give_name(self.offer.name, sync=self._sync, replace=replace and not self.offer.folder)
        self.discard()
        return self._finished

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
