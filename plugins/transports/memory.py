"""A transport without a network: both ends are in one process and connect by a name."""

from plytalk.core.contracts.errors import CannotConnect
from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.io.queue_listener import QueueListener
from plytalk.core.registry.hookspecs import hookimpl

_places: dict[str, "MemoryListener"] = {}


class MemoryListener(QueueListener):
    def release(self) -> None:
        del _places[self.address]


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
        _places[host].arrive(server)
        return client


@hookimpl
def layers() -> list[type[Memory]]:
    return [Memory]
