"""No network at all: both ends live in one process and meet under a name."""

import asyncio

from plytalk.core.errors import CannotConnect
from plytalk.core.hookspecs import hookimpl
from plytalk.core.layers import Listener, Stream, Transport
from plytalk.core.memory import memory_stream_pair

_places: dict[str, "MemoryListener"] = {}


class MemoryListener(Listener):
    def __init__(self, name: str) -> None:
        self.address = name
        self.arrived: asyncio.Queue[Stream | None] = asyncio.Queue()

    async def accept(self) -> Stream:
        stream = await self.arrived.get()
        if stream is None:
            raise CannotConnect("The listener is closed.")
        return stream

    async def close(self) -> None:
        _places.pop(self.address, None)
        self.arrived.put_nowait(None)


class Memory(Transport):
    """Both ends in one process: for tests, the demo and the lab. HOST is any name."""

    name = "memory"
    names_place = True

    async def listen(self, host: str, port: int) -> Listener:
        if host in _places:
            raise CannotConnect(f"Something listens at {host!r} already.", "Choose another name.")
        _places[host] = MemoryListener(host)
        return _places[host]

    async def connect(self, host: str, port: int) -> Stream:
        if host not in _places:
            raise CannotConnect(
                f"Nothing listens at {host!r} in this process.",
                "The transport `memory` reaches no other process: choose tcp or unix.",
            )
        client, server = memory_stream_pair()
        _places[host].arrived.put_nowait(server)
        return client


@hookimpl
def layers() -> list[type[Memory]]:
    return [Memory]
