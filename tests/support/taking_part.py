"""Programs that take part in a room by `plytalk.connect` and `plytalk.serve`, each with a folder of files, and a link to cut."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from plytalk.api.chat import Chat, connect
from plytalk.api.hosting import ChatServer, serve
from plytalk.core.contracts.events import Event, Message
from plytalk.core.contracts.limits import Limits
from plytalk.core.io.address import parse_address

OTHER = "SHA256:" + "A" * 43
QUICK = Limits(goodbye=5, farewell=10)


async def until(events: AsyncIterator[Event], wanted: Callable[[Any], bool]) -> Any:
    """The first event for which this holds."""
    async for event in events:
        if wanted(event):
            return event
    raise AssertionError("the conversation is over")


def said(text: str) -> Callable[[Any], bool]:
    return lambda event: isinstance(event, Message) and event.text == text


@asynccontextmanager
async def room(folder: Path, **options: Any) -> AsyncIterator[ChatServer]:
    async with serve("127.0.0.1:0", home=folder / "server", limits=QUICK, **options) as server:
        yield server


def client(server: ChatServer, folder: Path, name: str = "erin", **options: Any) -> Chat:
    return connect(server.address, peer=server.fingerprint, home=folder / name, name=name, limits=QUICK, **options)


class Cut:
    """A link to a server that can be cut; while it `is_down`, every new connection is cut at once."""

    def __init__(self, place: str) -> None:
        self._place, self.is_down = parse_address(place), False
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Cut":
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.address = "{}:{}".format(*self._server.sockets[0].getsockname())
        return self

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_down:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection(self._place.host, self._place.port)
        self._writers += [writer, there_writer]
        for source, sink in ((reader, there_writer), (there_reader, writer)):
            self._tasks.add(asyncio.create_task(self._copy(source, sink)))

    @staticmethod
    async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()

    def stop(self) -> None:
        """Let nothing through any more."""
        for task in self._tasks:
            task.cancel()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        self._server.close()
        self.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
