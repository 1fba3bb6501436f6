"""The received part of a stream whose size and root come at its end. It cannot be verified before that, so it is never kept."""

import os
from collections.abc import Iterator

from plytalk.core.io.descriptors import CLOSED, close_once, mask_of_user, write_all
from plytalk.plugins.files.hash_tree import RunningRoot
from plytalk.plugins.files.kept_folder import DATA, KeptFolder
from plytalk.plugins.files.manifest import FileOffer, check_offer
from plytalk.plugins.files.safe_folder import SafeFolder, storing
from plytalk.plugins.files.transfer_errors import Damaged, NoSpace


class PartialOnce:
    """One such incoming transfer, in a folder. Raises what `Partial` raises."""

    received = 0

    def __init__(self, into: SafeFolder, offer: FileOffer, *, sync: bool = False) -> None:
        check_offer(offer)
        self.offer, self._sync = offer, sync
        self._root = RunningRoot(offer.hash)
        self._is_whole = False
        self._data = CLOSED
        with storing(offer.name):
            self._kept = KeptFolder.of(into, offer.key)

    def resuming(self) -> Iterator[int]:
        """Prepare for the whole stream. Yields nothing."""
        with storing(self.offer.name):
            self._kept.make_data(folder=False)
            self._data = self._kept.folder.open_file(DATA)
        yield from ()

    def proof(self, block: int, proof: bytes) -> None:
        """Refuse a proof: the root is not known yet. Raises Damaged."""
        raise Damaged

    def write(self, chunk: memoryview) -> None:
        """Write the next bytes."""
        try:
            with storing(self.offer.name):
                write_all(self._data, chunk)
        except NoSpace as error:  # it can be accepted only once
            raise NoSpace(str(error), "Make room, and ask its sender to send it again.") from None
        self._root.add(chunk)

    def check(self, size: int, root: bytes) -> None:
        """Check everything received against the size and root of what the sender has read. Raises Damaged."""
        if (self._root.size, self._root.end()) != (size, root):
            raise Damaged
        self._is_whole = True

    def finish(self, *, replace: bool = False) -> str:
        """Give it its final name. Return the name."""
        if not self._is_whole:
            raise Damaged("The file is not complete.")
        with storing(self.offer.name):
            os.fchmod(self._data, self.offer.mode & mask_of_user() | 0o600)
            if self._sync:
                os.fsync(self._data)
            name = self._kept.give_name(self.offer.name, sync=self._sync, replace=replace)
        self.close()
        return name

    def close(self) -> None:
        """Remove what has arrived."""
        self._data = close_once(self._data)
        self._kept.remove()
        self._kept.close()

    discard = close
