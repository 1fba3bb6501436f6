"""The two ends of a stream in one process, without sockets: for tests, for the lab, and for the transport `memory`."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.transport import Stream

Cut = Callable[[bytes], list[bytes]]
HIGH_WATER = 1024 * 1024


class MemoryStream(Stream):
    """One end. What is sent arrives in a later turn of the loop, cut by `cut` if given: a network does not keep pieces whole."""

    def __init__(self, peer: str, cut: Cut | None = None) -> None:
        self.peer = peer
        self._cut = cut
        self._other: MemoryStream
        self._inbox: deque[bytes] = deque()
        self._waiting = 0
        self._receive: Callable[[Buffer], None] | None = None
        self._on_end: Callable[[Exception | None], None] | None = None
        self._paused = self._scheduled = self._closed = self._finished = self._no_more = False
        self._room = asyncio.Event()

    def deliver_to(self, receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
        self._receive, self._on_end = receive, ended
        self._wake()

    def send(self, data: bytes) -> None:
        if not self._finished and data:
            self._other._arrive(self._cut(data) if self._cut else [bytes(data)])

    @property
    def buffered(self) -> int:
        return self._other._waiting

    async def drained(self) -> None:
        while not self._closed and self.buffered > HIGH_WATER:
            self._room.clear()
            await self._room.wait()

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._wake()

    def finish(self) -> None:
        if not self._finished:
            self._finished = self._other._no_more = True
            self._other._wake()

    def close(self) -> None:
        self.finish()
        self._closed, self._waiting = True, 0
        self._receive = self._on_end = None  # they refer to the conversation, which refers to this
        self._inbox.clear()
        self._room.set()
        self._other._room.set()

    def _arrive(self, pieces: Sequence[bytes]) -> None:
        if not self._closed:
            self._inbox.extend(pieces)
            self._waiting += sum(map(len, pieces))
            self._wake()

    def _wake(self) -> None:
        if self._receive and not self._paused and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._deliver)

    def _deliver(self) -> None:
        self._scheduled = False
        while self._inbox and self._receive and not self._paused:
            piece = self._inbox.popleft()
            self._waiting -= len(piece)
            self._receive(piece)
        if self._no_more and not self._inbox and not self._closed and self._on_end:
            ended, self._on_end = self._on_end, None
            ended(None)
        self._other._room.set()


def memory_stream_pair(cut: Cut | None = None, back: Cut | None = None) -> tuple[MemoryStream, MemoryStream]:
    """Two connected streams; `cut` re-cuts what either sends, or `back` what the second does. Needs a running event loop."""
    client, server = MemoryStream("memory:server", cut), MemoryStream("memory:client", back or cut)
    client._other, server._other = server, client
    return client, server
