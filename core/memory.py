"""Two ends of a stream in one process, without any system below: for tests, for the lab, and for the transport `memory`."""

import asyncio
from collections.abc import Callable, Sequence

from plytalk.core.layers import Buffer, Stream

Cut = Callable[[bytes], list[bytes]]
HIGH_WATER = 1024 * 1024


class MemoryStream(Stream):
    """One end. What is sent arrives in a later turn of the loop, cut by `cut` if given: a network does not keep pieces whole."""

    def __init__(self, peer: str, cut: Cut | None = None) -> None:
        self.peer = peer
        self._cut = cut
        self._other: MemoryStream
        self._inbox: list[bytes | None] = []
        self._receive: Callable[[Buffer], None] | None = None
        self._on_end: Callable[[Exception | None], None] | None = None
        self._paused = self._scheduled = self._closed = self._finished = False
        self._room = asyncio.Event()
        self._room.set()

    def deliver_to(self, receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
        self._receive, self._on_end = receive, ended
        self._wake()

    def send(self, data: bytes) -> None:
        if not self._closed and not self._finished and data:
            self._other._arrive(self._cut(data) if self._cut else [bytes(data)])

    @property
    def buffered(self) -> int:
        return sum(len(piece) for piece in self._other._inbox if piece)

    async def drained(self) -> None:
        if not self._closed and self.buffered > HIGH_WATER:
            self._room.clear()
            await self._room.wait()

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._wake()

    def finish(self) -> None:
        if not self._finished and not self._closed:
            self._finished = True
            self._other._arrive([None])

    def close(self) -> None:
        self.finish()
        self._closed = True
        self._inbox.clear()
        self._other._room.set()

    def _arrive(self, pieces: Sequence[bytes | None]) -> None:
        if not self._closed:
            self._inbox.extend(pieces)
            self._wake()

    def _wake(self) -> None:
        if self._inbox and self._receive and not self._paused and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._deliver)

    def _deliver(self) -> None:
        self._scheduled = False
        while self._inbox and not self._paused and self._receive and self._on_end:
            piece = self._inbox.pop(0)
            if piece is None:
                self._on_end(None)
            else:
                self._receive(piece)
        self._other._room.set()


def memory_stream_pair(cut: Cut | None = None) -> tuple[MemoryStream, MemoryStream]:
    """Two connected streams; `cut` re-cuts what either sends. Needs a running event loop."""
    client, server = MemoryStream("memory:server", cut), MemoryStream("memory:client", cut)
    client._other, server._other = server, client
    return client, server
