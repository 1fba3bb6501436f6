"""A file that another member offers, and its way onto the disk."""

from collections.abc import Callable

from plytalk.core.contracts.errors import BadFrame
from plytalk.core.contracts.events import Sender
from plytalk.core.contracts.layer import Buffer
from plytalk.plugins.files.file_items import GIVE_BACK, WINDOW, FileFailure, give_credit, open_stream, stop_stream
from plytalk.plugins.files.file_limits import CHUNK
from plytalk.plugins.files.manifest import FileOffer
from plytalk.plugins.files.partial import Partial
from plytalk.plugins.files.sending import FileLink
from plytalk.plugins.files.transfer_errors import Damaged

WHY = {
    FileFailure.CANCELLED: "its sender has cancelled it",
    FileFailure.UNREADABLE: "its sender cannot read it any more",
    FileFailure.CHANGED: "it has changed since it was offered",
    FileFailure.TOO_MANY: "too many transfers go on: accept it again later",
    FileFailure.UNKNOWN: "it is not offered any more",
}
"""Why a transfer has failed, in words."""

RUNNING = ("accepted", "receiving", "interrupted")
"""The states in which this user wants the file and has not got all of it."""


class Receiving:
    """An offer of another member: `number` is this user's number for it, `remote` the server's.

    offered -> accepted -> receiving <-> interrupted;  receiving -> done, failed;  any of them -> cancelled, declined, withdrawn
    """

    def __init__(
        self, number: int, remote: int, id: str, file: FileOffer, sender: Sender, changed: "Callable[[Receiving], None]"
    ) -> None:
        self.number, self.remote, self.id, self.file, self.sender = number, remote, id, file, sender
        self.state, self.reason = "offered", ""
        self.written = ""
        """The name that it has in its folder."""
        self.partial: Partial | None = None
        self.opening = False
        """Whether a thread opens it."""
        self._changed = changed
        self._link: FileLink | None = None
        self._chunk = memoryview(b"")
        self._filled = 0  # of the chunk
        self._owed = self._consumed = self._received = 0
        self._block = -1

    @property
    def done(self) -> int:
        """How many bytes have come."""
        return self._received + self._filled

    @property
    def is_open(self) -> bool:
        return self._link is not None

    def change(self, state: str, reason: str = "") -> None:
        self.state, self.reason = state, reason
        self._changed(self)

    def offered_again(self, remote: int) -> None:
        """Its sender is back, or offers the same once more."""
        self.stop()
        self.remote = remote

    # -- the stream -------------------------------------------------------------------------------------------------------

    def begin(self, link: FileLink) -> None:
        """Ask for what is missing, of a file whose `partial` is open."""
        assert self.partial
        self._link, self._received = link, self.partial.received
        self._chunk, self._filled = memoryview(bytearray(min(CHUNK, self.file.size))), 0
        self._owed, self._consumed, self._block = WINDOW, 0, -1
        link.send(open_stream(self.remote, self.remote, self._received, WINDOW))
        self.change("receiving")

    def stop(self) -> None:
        """Ask for nothing more; what has come stays."""
        if self._link:
            self._link.send(stop_stream(self.remote))
            self._lose()

    def interrupt(self) -> None:
        """The stream is over; the sender may come back."""
        self._lose()
        if self.state != "interrupted":
            self.change("interrupted")

    def _lose(self) -> None:
        self._link = None
        self._chunk, self._filled = memoryview(b""), 0

    def proof(self, block: int, payload: Buffer) -> None:
        """The hashes of a block. Raises Damaged."""
        if self.partial and block != self._block:  # one that comes again, from another stream of the sender, says the same
            self._block = block
            self.partial.proof(block, bytes(payload))

    def data(self, payload: Buffer) -> None:
        """The next bytes. Raises BadFrame where this side gave no credit for them, and what writing raises."""
        if not 0 < len(payload) <= self._owed:
            raise BadFrame(f"{len(payload):,} bytes of a file came where there was credit for {self._owed:,}.")
        self._owed -= len(payload)
        self._consumed += len(payload)
        view = memoryview(payload)
        while view:
            wanted = min(CHUNK, self.file.size - self._received)
            part = view[: wanted - self._filled]
            if not part:
                raise Damaged("The file is longer than was offered.")
            self._chunk[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            view = view[len(part) :]
            if self._filled == wanted:
                self._write(wanted)
        if self._consumed >= GIVE_BACK and self._link:
            self._link.send(give_credit(self.remote, self._consumed))
            self._owed += self._consumed
            self._consumed = 0
        self._changed(self)

    def _write(self, size: int) -> None:
        assert self.partial
        self.partial.write(self._chunk[:size])
        self._received, self._filled = self.partial.received, 0

    # -- the end ----------------------------------------------------------------------------------------------------------

    def failed(self, why: FileFailure) -> None:
        """The sender sends nothing more."""
        if why is FileFailure.GONE:
            self.interrupt()
        else:
            self.end("failed", WHY[why])

    def hand_over(self) -> Partial:
        """All has come: give away the partial file. What comes after that is not looked at."""
        assert self.partial
        partial, self.partial = self.partial, None
        self._lose()
        return partial

    def finish(self, name: str) -> None:
        """It is whole, and has this name."""
        self.written = name
        self.change("done")

    def cancel(self) -> None:
        """The user does not want it any more."""
        self.stop()
        if self.partial:
            self.partial.discard()
            self.partial = None
        self.change("cancelled")

    def end(self, state: str, reason: str = "") -> None:
        """It does not go on; what has come is kept."""
        self._lose()
        self.close()
        self.change(state, reason)

    def close(self) -> None:
        """Keep what has come, for another time."""
        if self.partial:
            self.partial.close()
            self.partial = None
