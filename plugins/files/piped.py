"""A stream that is sent as it comes, such as standard input: its size and hash are known at its end, and it cannot be resumed."""

import os
import secrets

from plytalk.plugins.files.descriptors import close_once, mask_of_user, write_all
from plytalk.plugins.files.file_limits import CHUNK, MAX_SIZE
from plytalk.plugins.files.hash_tree import KNOWN, GrowingTree
from plytalk.plugins.files.kept_folder import DATA, KeptFolder
from plytalk.plugins.files.manifest import check_hash
from plytalk.plugins.files.safe_folder import SafeFolder, storing
from plytalk.plugins.files.transfer_errors import Damaged, NotStored, TransferError, Unreadable


class PipeSource:
    """What is read from a descriptor, which stays its owner's. `size` and `root` hold for what was read so far."""

    def __init__(self, descriptor: int, algorithm: str = KNOWN[0]) -> None:
        self.tree = GrowingTree(algorithm)
        self._descriptor = descriptor

    def read_into(self, buffer: memoryview) -> int:
        """Fill a buffer of CHUNK bytes, waiting for them; less, or 0, at the end alone. Raises Unreadable, TransferError."""
        filled = 0
        try:
            while filled < len(buffer) and (count := os.readv(self._descriptor, [buffer[filled:]])):
                filled += count
        except OSError as trouble:
            raise Unreadable(f"Standard input cannot be read: {trouble.strerror}.") from None
        if self.tree.size + filled > MAX_SIZE:
            raise TransferError(f"Standard input has more than {MAX_SIZE} bytes.")
        if filled:
            self.tree.add(buffer[:filled])
        return filled


class PipePartial:
    """A stream that arrives, in a file of a folder. It gets its name when the end is confirmed, and otherwise leaves nothing."""

    def __init__(self, into: SafeFolder, name: str, algorithm: str, *, sync: bool = False) -> None:
        check_hash(algorithm)
        self.tree = GrowingTree(algorithm)
        self._name = name
        self._sync = sync
        with storing(name):
            self._kept = KeptFolder.of(into, secrets.token_hex(16))
            try:
                self._descriptor = self._kept.folder.open_file(DATA)
            except OSError:
                self._kept.close()
                raise

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next chunk: CHUNK bytes, or the last one. Raises Damaged, NotStored, NoSpace."""
        if self.tree.size % CHUNK or not 0 < len(chunk) <= CHUNK or self.tree.size + len(chunk) > MAX_SIZE:
            raise Damaged
        try:
            with storing(self._name):
                write_all(self._descriptor, chunk)
        except NotStored:
            self.close()
            raise
        self.tree.add(chunk)

    def finish(self, size: int, root: bytes, *, overwrite: bool = False) -> str:
        """Give it its final name, if it is what was sent, and tell it. Raises Damaged if it is not."""
        if (self.tree.size, self.tree.root) != (size, root):
            raise Damaged
        with storing(self._name):
            if self._sync:
                os.fsync(self._descriptor)
            os.fchmod(self._descriptor, 0o644 & mask_of_user())
            name = self._kept.give_name(self._name, overwrite=overwrite, sync=self._sync)
        self.close()
        return name

    def close(self) -> None:
        """Remove what has no name yet: it could not be resumed."""
        self._descriptor = close_once(self._descriptor)
        self._kept.remove()
        self._kept.close()
