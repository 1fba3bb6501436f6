"""A link between two programs that lets a given number of bytes a second through, in either direction, and can stall or be cut.

`with slow_link(port, up=10_000) as link:` waits on `link.port`, and passes on to `port`; `up` is what the client sends. A rate of
None is as fast as it goes. The buffers on the way are small, so that what a sender has got rid of has nearly arrived.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future

PIECE = 2048
SMALL = 16 * 1024
SLACK = 0.05
"""The silence, in seconds, that a link makes up for at most."""


class Link:
    """`passed` counts the bytes that went through, up and down; after `stall_after` bytes up nothing goes through any more."""

    def __init__(self, port: int, up: int | None, down: int | None, stall_after: int | None, cut_after: int | None) -> None:
        self._to, self._rates = port, {"up": up, "down": down}
        self._limits = stall_after, cut_after
        self.passed = {"up": 0, "down": 0}
        self.connections = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._passing: set[asyncio.Task[None] | None] = set()
        self._is_cut = False
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        self.port = listening.getsockname()[1]
        server = await asyncio.start_server(self._pass, sock=listening, limit=PIECE)
        self._ready.set_result(None)
        await self._over.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            return writer.transport.abort()
        self.connections += 1
        self._passing.add(asyncio.current_task())
        there = socket.socket()
        there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        there.setblocking(False)
        await self._loop.sock_connect(there, ("127.0.0.1", self._to))
        answers, onward = await asyncio.open_connection(sock=there, limit=PIECE)
        for one in (writer, onward):
            one.transport.set_write_buffer_limits(0)
        cut = False
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump("up", reader, onward))
                both.create_task(self._pump("down", answers, writer))
        except* (OSError, asyncio.CancelledError):
            cut = True
        finally:
            self._passing.discard(asyncio.current_task())
            for one in (writer, onward):
                if cut:
                    one.transport.abort()
                else:
                    one.close()

    async def _pump(self, way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rate, due = self._rates[way], self._loop.time()
        stall_after, cut_after = self._limits if way == "up" else (None, None)
        while data := await reader.read(PIECE):
            if stall_after is not None and self.passed[way] + len(data) > stall_after:
                await self._over.wait()
            if cut_after is not None and self.connections == 1 and self.passed[way] + len(data) > cut_after:
                raise ConnectionResetError
            writer.write(data)
            await writer.drain()
            self.passed[way] += len(data)
            if rate:  # one that sleeps a little too long each time would be much slower than it says
                due = max(due, self._loop.time() - SLACK) + len(data) / rate
                await asyncio.sleep(max(0, due - self._loop.time()))
        with contextlib.suppress(OSError):
            writer.write_eof()

    def start(self) -> None:
        self._thread.start()
        self._ready.result(60)

    def cut(self, is_cut: bool = True) -> None:
        """Cut all connections, and let none through until this is taken back."""
        self._is_cut = is_cut
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._passing if task and self._is_cut])

    def close(self) -> None:
        with contextlib.suppress(RuntimeError):  # it is closed already
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(180)


@contextlib.contextmanager
def slow_link(
    port: int, up: int | None = None, down: int | None = None, *, stall_after: int | None = None, cut_after: int | None = None
) -> Iterator[Link]:
    link = Link(port, up, down, stall_after, cut_after)
    link.start()
    try:
        yield link
    finally:
        link.close()
