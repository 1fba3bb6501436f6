"""A file that another member offers, and how it is received and stored."""

import asyncio
from collections.abc import Callable
from functools import partial

from plytalk.core.contracts.errors import BadFrame, ChatError
from plytalk.core.contracts.events import Sender
from plytalk.core.contracts.layer import Buffer
from plytalk.plugins.files.disk_thread import DiskThread
from plytalk.plugins.files.file_items import (
    GIVE_BACK,
    PIECE,
    WINDOW,
    FileFailure,
    give_credit,
    open_stream,
    parse_ending,
    stop_stream,
)
from plytalk.plugins.files.file_limits import CHUNK, WHOLE_BLOCK
from plytalk.plugins.files.manifest import FileOffer
from plytalk.plugins.files.partial import Partial
from plytalk.plugins.files.partial_once import PartialOnce
from plytalk.plugins.files.receiving_states import LOST, RUNNING, WHY
from plytalk.plugins.files.safe_folder import SafeFolder
from plytalk.plugins.files.sending import FileLink
from plytalk.plugins.files.transfer_errors import Damaged, explained
from plytalk.plugins.files.transfer_states import TransferState

AnyPartial = Partial | PartialOnce


class Receiving:
    """An offer of another member. `number` is this user's number for it, `remote` the server's.

    `stands` says that the offer is open at the server, so that it may be accepted even after it was cancelled or declined, or has
    failed. Bytes are written in a thread; `broke` is called with an error from there.
    """

    def __init__(
        self,
        number: int,
        remote: int,
        id: str,
        file: FileOffer,
        sender: Sender,
        changed: "Callable[[Receiving], None]",
        broke: "Callable[[Receiving, ChatError], None]",
    ) -> None:
        self.number, self.remote, self.id, self.file, self.sender = number, remote, id, file, sender
        self.state, self.reason, self.stands = TransferState.OFFERED, "", True
        self.unsaid: TransferState | None = None
        """The reply that could not be sent yet, since there was no connection."""
        self.written = ""
        """The name of the file in its folder, once it has one."""
        self.replaces = False
        """Whether it may replace a file of the same name."""
        self._changed, self._broke = changed, broke
        self._partial: AnyPartial | None = None
        self._disk: DiskThread | None = None
        self._last: asyncio.Future[None] | None = None  # the last work of the thread
        self._link: FileLink | None = None
        self._chunk = memoryview(b"")
        self._spare: list[memoryview] = []
        self._filled = 0  # of the chunk
        self._owed = self._taken = self._unwritten = 0
        self._block = -1
        self._is_whole = False
        self.stream = 0

    @property
    def done(self) -> int:
        """The number of bytes received."""
        return self._taken + self._filled

    @property
    def is_open(self) -> bool:
        """Whether a stream is open for it."""
        return self._link is not None

    @property
    def is_over(self) -> bool:
        """Whether it is over, and its thread has ended."""
        return self.state not in (TransferState.OFFERED, *RUNNING) and (self._last is None or self._last.done())

    @property
    def is_whole(self) -> bool:
        """Whether all bytes have arrived."""
        return self._is_whole

    def once_more(self) -> "Receiving":
        """Return a new transfer of the same offer."""
        return Receiving(self.number, self.remote, self.id, self.file, self.sender, self._changed, self._broke)

    async def let_go(self) -> None:
        """Wait until its thread has ended, if it was told to end."""
        if self._last:
            await asyncio.wait([self._last])

    def when_let_go(self, then: Callable[[], None]) -> None:
        """Call `then` when its thread has ended, or now if it was not told to end."""
        if self._last and not self._last.done():
            self._last.add_done_callback(lambda _: then())
        else:
            then()

    def change(self, state: TransferState, reason: str = "") -> None:
        self.state, self.reason = state, reason
        self._changed(self)

    def offered_again(self, remote: int) -> None:
        """Note that its sender made the offer again, under this number of the server."""
        self.stop()
        self.remote, self.stands = remote, True

    # -- the disk ---------------------------------------------------------------------------------------------------------

    async def open(self, into: SafeFolder, *, sync: bool) -> bool:
        """Continue a kept part, or wait until everything received is written. Return whether more is wanted. Raises ChatError."""
        if self._disk is None:
            self._disk = DiskThread()
            await self._disk.start(partial(self._take_up, into, sync))
        elif self.state in RUNNING:
            await self._disk.start(self._nothing)
        return self.state in RUNNING and not self.is_open

    def _nothing(self) -> None:
        """Do nothing: called when the thread has done everything asked before."""

    def _take_up(self, into: SafeFolder, sync: bool) -> None:
        self._partial = (PartialOnce if self.file.once else Partial)(into, self.file, sync=sync)
        for _ in self._partial.resuming():
            if self._last:  # cancelled
                return

    def _on_disk(self, work: Callable[[], object], then: Callable[[], None]) -> None:
        """Run `work` in the thread, and then call `then`."""
        assert self._disk
        self._disk.start(work).add_done_callback(partial(self._did, then))

    def _did(self, then: Callable[[], None], done: "asyncio.Future[object]") -> None:
        error = done.exception()
        if self.state not in RUNNING:
            return
        if error is None:
            then()
        elif isinstance(error, Exception):
            self._broke(self, explained(error))
        else:
            raise error

    def _release(self, leave: Callable[[AnyPartial], None]) -> "asyncio.Future[None] | None":
        """End the thread; `leave` is its last work."""
        if self._disk and self._last is None:
            self._last = self._disk.end(partial(self._leave, leave))
        return self._last

    def _leave(self, leave: Callable[[AnyPartial], None]) -> None:
        if self._partial:
            leave(self._partial)

    async def close(self) -> None:
        """Keep the received part, to be continued another time."""
        self._lose()
        if last := self._release(lambda partial: partial.close()):
            await asyncio.shield(last)

    # -- the stream -------------------------------------------------------------------------------------------------------

    def begin(self, link: FileLink, stream: int) -> None:
        """Ask for the missing bytes of an open file. The number `stream` must be new on this connection, so that bytes in flight
        of a stopped stream are not taken for this one's.
        """
        assert self._partial
        self.stream = stream
        self._link, self._taken = link, self._partial.received
        self._chunk, self._filled = self._new_chunk(), 0
        self._owed, self._block = WINDOW, -1
        link.send(open_stream(stream, self.remote, self._taken, WINDOW))
        self.change(TransferState.RECEIVING)

    def stop(self) -> None:
        """Stop the stream. The received part is kept."""
        if self._link:
            self._link.send(stop_stream(self.stream))
            self._lose()

    def interrupt(self) -> None:
        """Note that the stream was interrupted. The sender may reconnect."""
        self._lose()
        if self.file.once:
            self.end(TransferState.FAILED, LOST)
        elif self.state is not TransferState.INTERRUPTED:
            self.change(TransferState.INTERRUPTED)

    def _lose(self) -> None:
        self._link = None
        self._chunk, self._filled = memoryview(b""), 0
        self._spare.clear()

    def _new_chunk(self) -> memoryview:
        return self._spare.pop() if self._spare else memoryview(bytearray(min(CHUNK, self.file.most)))

    def proof(self, block: int, payload: Buffer) -> None:
        """Take the proof of a block. Raises Damaged if it is not the block of the next bytes."""
        if block == self._block:  # a repeated proof, from another stream of the sender, is the same
            return
        if block != self.done // WHOLE_BLOCK:
            raise Damaged
        assert self._partial
        self._block = block
        self._on_disk(partial(self._partial.proof, block, bytes(payload)), self._nothing)

    def data(self, payload: Buffer) -> None:
        """Take the next bytes. Raises BadFrame if they exceed the credit, and Damaged if they exceed the file."""
        if not 0 < len(payload) <= self._owed:
            raise BadFrame(f"{len(payload):,} bytes of a file came where there was credit for {self._owed:,}.")
        self._owed -= len(payload)
        view = memoryview(payload)
        while view:
            wanted = min(CHUNK, self.file.most - self._taken)
            part = view[: wanted - self._filled]
            if not part:
                raise Damaged("The file is longer than was offered.")
            self._chunk[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            view = view[len(part) :]
            if self._filled == wanted:
                self._write(wanted)
        self._give_credit()
        self._changed(self)

    def _write(self, size: int) -> None:
        assert self._partial
        chunk, self._chunk, self._filled = self._chunk, self._new_chunk(), 0
        self._taken += size
        self._unwritten += size
        self._on_disk(partial(self._partial.write, chunk[:size]), partial(self._wrote, chunk, size))

    def _wrote(self, chunk: memoryview, size: int) -> None:
        self._unwritten -= size
        if self._link:
            self._spare.append(chunk)
            self._give_credit()

    def _give_credit(self) -> None:
        """Give credit so that the bytes in flight and those not written yet stay below 1 MiB: a cut loses both."""
        room = min(WINDOW, WINDOW + CHUNK - self._filled - self._unwritten) - self._owed
        if self._link and room >= GIVE_BACK:
            room -= room % PIECE
            self._owed += room
            self._link.send(give_credit(self.stream, room))

    # -- the end ----------------------------------------------------------------------------------------------------------

    def failed(self, why: FileFailure) -> None:
        """Handle a FAIL item: the sender sends nothing more."""
        if why is FileFailure.GONE:
            self.interrupt()
        else:
            self.end(TransferState.FAILED, WHY[why])

    def finish(self, ending: Buffer, named: Callable[[], None]) -> None:
        """Handle the end of the stream: check the file, and give it its name. Later items are ignored. Raises BadFrame."""
        expected = parse_ending(ending) if self.file.once else None
        if self.file.once and self._filled:
            self._write(self._filled)
        self._lose()
        self._is_whole = True
        self._on_disk(partial(self._finish, expected), named)

    def _finish(self, expected: tuple[int, bytes] | None) -> None:
        assert self._partial
        if isinstance(self._partial, PartialOnce) and expected:
            self._partial.check(*expected)
        self.written = self._partial.finish(replace=self.replaces)

    async def cancel(self) -> None:
        """Cancel the transfer, and remove the received part."""
        self.stop()
        self.state = TransferState.CANCELLED  # shown when everything is removed
        if last := self._release(lambda partial: partial.discard()):
            await asyncio.shield(last)  # others wait for it too, and go on if this one is cancelled
        self.change(TransferState.DONE if self.written else TransferState.CANCELLED)

    def end(self, state: TransferState, reason: str = "") -> None:
        """End the transfer. The received part is kept."""
        self._lose()
        self._release(lambda partial: partial.close())
        self.change(state, reason)
