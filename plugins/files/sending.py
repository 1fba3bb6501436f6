"""A file that this user offers, and the streams in which it goes out."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from plytalk.core.contracts.events import Sender
from plytalk.plugins.files.file_items import (
    MAX_CREDIT,
    PIECE,
    FileFailure,
    carry,
    end_stream,
    fail_stream,
    prove,
)
from plytalk.plugins.files.file_limits import BLOCK, CHUNK
from plytalk.plugins.files.hash_tree import HashTree
from plytalk.plugins.files.manifest import FileOffer
from plytalk.plugins.files.reading import Source
from plytalk.plugins.files.transfer_errors import SourceChanged, TransferError

MOST_STREAMS = 64
"""How many streams a sender serves at one time."""
READ = 4 * PIECE
"""How many bytes are read of a file at once."""
WHOLE_BLOCK = BLOCK * CHUNK


class FileLink(Protocol):
    """The way to the exchange at the server."""

    def send(self, body: bytes) -> None:
        """Send an item."""

    async def writable(self) -> None:
        """Wait until data may be sent: lines go first."""


class OutStream:
    """One stream: `at` is the next byte that goes out, `credit` how many may, `block` the last one whose proof went out."""

    __slots__ = ("at", "block", "credit", "number")

    def __init__(self, number: int, at: int, credit: int) -> None:
        self.number, self.at, self.credit, self.block = number, at, credit, -1


class Sending:
    """An offer of this user. `changed` is called when its state changes or data has gone out."""

    def __init__(
        self,
        number: int,
        id: str,
        source: Source,
        tree: HashTree,
        file: FileOffer,
        to: str | None,
        changed: "Callable[[Sending], None]",
    ) -> None:
        self.number, self.id, self.source, self.tree, self.file, self.to = number, id, source, tree, file, to
        self.state, self.reason, self.written = "offered", "", ""
        self.streams: dict[int, OutStream] = {}
        self.sender: Sender | None = None
        self._changed = changed
        self._at = 0
        self._buffer = memoryview(bytearray(READ))

    @property
    def done(self) -> int:
        """How many bytes have gone out in the stream that is farthest."""
        return self._at

    @property
    def stands(self) -> bool:
        return self.state in ("offered", "sending")

    def change(self, state: str, reason: str = "") -> None:
        self.state, self.reason = state, reason
        self._changed(self)

    def close(self) -> None:
        """Let go of the file."""
        self.streams.clear()
        self.source.close()
        self.tree.close()
        self._buffer = memoryview(b"")

    # -- streams ----------------------------------------------------------------------------------------------------------

    def serve(self, number: int, at: int, credit: int) -> bytes | None:
        """Open a stream; gives what refuses it."""
        if len(self.streams) >= MOST_STREAMS:
            return fail_stream(number, FileFailure.TOO_MANY)
        if not self.stands or at > self.file.size:
            return fail_stream(number, FileFailure.UNKNOWN)
        self.streams[number] = OutStream(number, at, min(credit, MAX_CREDIT))
        return None

    def next_items(self, stream: OutStream) -> list[bytes]:
        """What goes out next in a stream, empty where that needs credit. A file that cannot be read ends all its streams."""
        try:
            return self._next_items(stream)
        except TransferError as error:
            why = FileFailure.CHANGED if isinstance(error, SourceChanged) else FileFailure.UNREADABLE
            items = [fail_stream(number, why) for number in self.streams]
            self.close()
            self.change("failed", error.sentence)
            return items

    def _next_items(self, stream: OutStream) -> list[bytes]:
        left = self.file.size - stream.at
        if not left:
            del self.streams[stream.number]
            self._changed(self)
            return [end_stream(stream.number)]
        items = []
        block, end = divmod(stream.at, WHOLE_BLOCK)
        want = min(left, WHOLE_BLOCK - end, READ, stream.credit)
        if want < left and want < WHOLE_BLOCK - end:
            want -= want % PIECE  # full records, as long as more follows
        if not want:
            return []
        if block > stream.block:
            stream.block = block
            items.append(prove(stream.number, block, self.tree.proof(block)))
        size = self.source.read_into(self._buffer[:want], stream.at)
        items += [carry(stream.number, self._buffer[at : min(at + PIECE, size)]) for at in range(0, size, PIECE)]
        stream.at += size
        self._at = max(self._at, stream.at)
        stream.credit -= size
        self._changed(self)
        return items


class Pump:
    """Sends the data of all offers over one link, in turns."""

    def __init__(self, link: FileLink, sendings: Callable[[], list[Sending]]) -> None:
        self._link, self._sendings = link, sendings
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """There may be something to send."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        if self._task:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while await self._round():  # noqa: ASYNC110  # what else has to be done comes between
                await asyncio.sleep(0)
        finally:
            self._task = None

    async def _round(self) -> bool:
        """Something of each stream that has credit; whether there was any."""
        sent = False
        for sending in self._sendings():
            for stream in tuple(sending.streams.values()):
                await self._link.writable()
                if stream.number not in sending.streams:
                    continue
                for item in sending.next_items(stream):
                    self._link.send(item)
                    sent = True
        return sent
