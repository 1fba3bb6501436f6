"""A file that this user offers, and the streams in which it is sent."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.events import Sender
from plytalk.core.contracts.layer import Buffer
from plytalk.plugins.files.disk_thread import DiskThread
from plytalk.plugins.files.file_items import (
    MAX_CREDIT,
    PIECE,
    FileFailure,
    Withdrawal,
    end_stream,
    fail_stream,
    prove,
    say,
)
from plytalk.plugins.files.file_limits import WHOLE_BLOCK
from plytalk.plugins.files.hash_tree import HashTree
from plytalk.plugins.files.manifest import FileOffer
from plytalk.plugins.files.reading import Source
from plytalk.plugins.files.transfer_errors import SourceChanged, explained
from plytalk.plugins.files.transfer_states import TransferState

MOST_STREAMS = 64
"""The largest number of streams that a sender serves."""
READ = 16 * PIECE
"""The bytes read at once from a file that is sent in one stream: waking the thread takes longer than reading."""
Outgoing = list[bytes | memoryview]
"""What is sent next: whole items, and data without its header."""


class FileLink(Protocol):
    """The link to the exchange at the server. `turn` is the number of bytes that a stream may send in its turn."""

    turn: int

    def send(self, body: bytes) -> None:
        """Send an item."""

    def send_data(self, stream: int, data: Buffer) -> None:
        """Send the next bytes of a stream, which are valid during the call."""

    async def writable(self) -> None:
        """Wait until data may be sent: lines have priority."""


class OutStream:
    """One stream. `at`: the next byte to send; `credit`: the bytes that may be sent; `block`: the last whose proof was sent."""

    __slots__ = ("at", "block", "credit", "number")

    def __init__(self, number: int, at: int, credit: int) -> None:
        self.number, self.at, self.credit, self.block = number, at, credit, -1


class Sending:
    """An offer of this user. `changed` is called when its state changes or data was sent; `disk` reads the file."""

    def __init__(
        self,
        number: int,
        id: str,
        source: Source,
        tree: HashTree,
        file: FileOffer,
        to: str | None,
        disk: DiskThread,
        changed: "Callable[[Sending], None]",
    ) -> None:
        self.number, self.id, self.source, self.tree, self.file, self.to = number, id, source, tree, file, to
        self.key = to if is_key(to) else None
        """The fingerprint of the key that it is for; None if it is for a name, or for all."""
        self.state, self.reason, self.written = TransferState.OFFERED, "", ""
        self.streams: dict[int, OutStream] = {}
        self.sender: Sender | None = None
        self.whom: Sender | None = None
        """The member that it is for, as the server names it."""
        self.received = 0
        """The number of receivers that have all of it."""
        self._disk, self._changed = disk, changed
        self._at = 0
        self._buffer = memoryview(bytearray(READ))
        self._kept = range(0)
        """The offsets in the file of the bytes in the buffer."""

    @property
    def done(self) -> int:
        """The bytes sent in the open stream that is furthest ahead."""
        return max((stream.at for stream in self.streams.values()), default=self._at)

    @property
    def stands(self) -> bool:
        return self.state in (TransferState.OFFERED, TransferState.SENDING, TransferState.INTERRUPTED)

    def cut(self) -> None:
        """Note that the connection is closed."""
        self._at = self.done
        self.streams.clear()
        if self.state is TransferState.SENDING:
            self.change(TransferState.INTERRUPTED)

    def taken(self) -> None:
        """Note that the server has accepted the offer, for the first time or after a cut."""
        if self.state is TransferState.INTERRUPTED:
            self.change(TransferState.OFFERED)

    def stopped(self, number: int) -> None:
        """Stop a stream whose receiver wants nothing more."""
        if number in self.streams:
            self._end_stream(number)

    def _end_stream(self, number: int) -> None:
        """End a stream. After the last one, the offer is open as before."""
        self._at = self.done
        del self.streams[number]
        if self.state is TransferState.SENDING and not self.streams:
            self.change(TransferState.OFFERED)
        else:
            self._changed(self)

    def ends_with(self, state: str) -> bool:
        """Whether the offer ends with this reply of a receiver."""
        return self.to is not None and state in (TransferState.DONE, TransferState.DECLINED, TransferState.CANCELLED)

    def change(self, state: TransferState, reason: str = "") -> None:
        self.state, self.reason = state, reason
        self._changed(self)

    def close(self) -> None:
        """Close the file, after the last read."""
        self.streams.clear()
        self._disk.start(self._close)

    def _close(self) -> None:
        self.source.close()
        self.tree.close()
        self._buffer = memoryview(b"")

    # -- streams ----------------------------------------------------------------------------------------------------------

    def serve(self, number: int, at: int, credit: int) -> bytes | None:
        """Open a stream. Return the item that refuses it, or None."""
        if len(self.streams) >= MOST_STREAMS:
            return fail_stream(number, FileFailure.TOO_MANY)
        if not self.stands or at > self.file.most:
            return fail_stream(number, FileFailure.UNKNOWN)
        self.streams[number] = OutStream(number, at, min(credit, MAX_CREDIT))
        if self.state is not TransferState.SENDING and at < self.file.most:
            self.change(TransferState.SENDING)
        return None

    async def next_items(self, stream: OutStream, most: int) -> Outgoing:
        """Return what to send next in a stream, at most this many bytes; nothing if that needs credit. `bytes` are whole items. A
        memoryview is data for `send_data`: a part of the buffer, valid until the next call.

        A file that cannot be read ends all its streams.
        """
        at, left = stream.at, self.file.most - stream.at
        if not left:
            self._end_stream(stream.number)
            return [end_stream(stream.number)]
        if not (size := self._wanted(stream, most)):
            return []
        stream.at += size
        stream.credit -= size
        block, stream.block = stream.block, at // WHOLE_BLOCK
        proofs = []
        if stream.block > block or at not in self._kept or at + size > self._kept.stop:
            self._kept = range(0)
            try:
                # A stream's first bytes need a proof, so they queue in the thread behind any read for a stream that was cut.
                if stream.block > block or not self._read_now(at, size):
                    proofs = await self._disk.start(partial(self._read, stream, at, size, proof=stream.block > block))
            except Exception as error:  # any error: both sides would wait for ever
                return self._fail(explained(error))
        if self.streams.get(stream.number) is not stream:  # stopped in the meantime
            return []
        self._changed(self)
        return [*proofs, *self._pieces(at - self._kept.start, size)]

    def _pieces(self, first: int, size: int) -> Outgoing:
        """Return this many bytes of the buffer, in parts of what one item carries."""
        end = first + size
        return [self._buffer[start : min(start + PIECE, end)] for start in range(first, end, PIECE)]

    def _wanted(self, stream: OutStream, most: int) -> int:
        """Return the number of bytes to send next: full records, except at the end."""
        more = min(self.file.most - stream.at, WHOLE_BLOCK - stream.at % WHOLE_BLOCK)
        size = min(more, most, stream.credit)
        return size if size == more else size - size % PIECE

    def _read(self, stream: OutStream, at: int, size: int, proof: bool) -> list[bytes]:
        """In the thread: read these bytes and the following ones into the buffer. Return the proof, if it is asked for."""
        block = at // WHOLE_BLOCK
        proofs = [prove(stream.number, block, self.tree.proof(block))] if proof else []
        read = self.source.read_into(self._ahead(size), at)
        self._kept = range(at, at + read)
        return proofs

    def _read_now(self, at: int, size: int) -> bool:
        """Do the same without the thread, which takes longer, if the system has these bytes in memory. Return whether it has."""
        buffer = self._ahead(size)[: self.file.most - at]
        if not self.source.read_now(buffer, at):
            return False
        self._kept = range(at, at + len(buffer))
        return True

    def _ahead(self, size: int) -> memoryview:
        """Return the part of the buffer to read into: all of it if no other stream needs it."""
        return self._buffer if len(self.streams) == 1 else self._buffer[:size]

    def _fail(self, error: ChatError) -> Outgoing:
        if not self.stands:
            return []
        why = FileFailure.CHANGED if isinstance(error, SourceChanged) else FileFailure.UNREADABLE
        items: Outgoing = [fail_stream(number, why) for number in self.streams]
        items.append(say(Withdrawal(number=self.number)))
        self.close()
        self.change(TransferState.FAILED, error.sentence)
        return items


def is_key(to: str | None) -> bool:
    """Whether `to` is the fingerprint of a key and not a name: no member can have such a name."""
    return to is not None and to.startswith("SHA256:")


class Pump:
    """Sends the data of all offers over one link. Streams take turns."""

    def __init__(self, link: FileLink, sendings: Callable[[], list[Sending]]) -> None:
        self._link, self._sendings = link, sendings
        self._task: asyncio.Task[None] | None = None
        self._woken = False

    def wake(self) -> None:
        """Start sending, if there may be something to send."""
        self._woken = True
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        if self._task:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while self._woken:
                self._woken = False
                if await self._round():
                    self._woken = True
                await asyncio.sleep(0)  # let everything else run in between
        finally:
            self._task = None

    async def _round(self) -> bool:
        """Send something of each stream that has credit. Return whether there was any."""
        sent = False
        for sending in self._sendings():
            for stream in tuple(sending.streams.values()):
                await self._link.writable()
                if stream.number not in sending.streams:
                    continue
                for item in await sending.next_items(stream, self._link.turn):
                    if isinstance(item, memoryview):
                        self._link.send_data(stream.number, item)
                    else:
                        self._link.send(item)
                    sent = True
        return sent
