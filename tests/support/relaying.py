"""A relay in its own thread and event loop, for tests whose ends run in theirs; and callers that speak to one in frames."""

import asyncio
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress

from plytalk.core.contracts.errors import RemoteError
from plytalk.core.io.memory_stream import MemoryStream, memory_stream_pair
from plytalk.plugins.relay.relay_caller import RelayLimits
from plytalk.plugins.relay.relay_frames import ANSWER, GO, HOLD, JOIN, KNOCK, OPENED, FrameCutter, first
from plytalk.plugins.relay.relay_server import Relay
from plytalk.plugins.transports.tcp import Tcp
from plytalk.plugins.transports.ws import Ws
from plytalk.testing.verdict import idle

MANY = RelayLimits(joins_a_minute=100_000, holds_of_source=100_000)


@contextmanager
def relaying(
    limits: RelayLimits = MANY,
    allowed: Collection[str] | None = None,
    port: int = 0,
    taken: str = "",
    by: Callable[[], Tcp | Ws] = Tcp,
) -> Iterator[tuple[Relay, str]]:
    """A relay, and its address. The number `taken` is held by somebody before it listens."""
    started = threading.Event()
    made: list[tuple[Relay, str, asyncio.AbstractEventLoop, asyncio.Task[None]]] = []

    async def main() -> None:
        relay = Relay({"127.0.0.1"}, allowed, limits)
        if taken:
            squatter = Talker(relay)
            await squatter.says(first(HOLD, taken.encode()))
        transport = by()
        listener = await transport.listen("127.0.0.1", port)
        task = asyncio.ensure_future(relay.serve(listener))
        address = f"{transport.name}://{listener.address}" if isinstance(transport, Ws) else listener.address
        made.append((relay, address, asyncio.get_running_loop(), task))
        started.set()
        await asyncio.wait({task})

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    started.wait(180)
    relay, address, loop, task = made[0]
    try:
        yield relay, address
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(180)


class Talker:
    """Somebody with a connection to the relay: what came, in frames or raw."""

    def __init__(self, relay: Relay, peer: str = "192.0.2.1:1000") -> None:
        self.stream, there = memory_stream_pair()
        there.peer = peer
        self.came = bytearray()
        self.ended = False
        self.stream.deliver_to(self.came.extend, self._over)
        relay.arrive(there)
        self.there: MemoryStream = there

    def _over(self, error: Exception | None) -> None:
        self.ended = True

    async def says(self, data: bytes) -> list[bytes]:
        self.stream.send(data)
        await idle()
        return self.frames()

    def frames(self) -> list[bytes]:
        """What came as frames, up to what is raw."""
        cutter, came = FrameCutter(), []
        cutter.feed(bytes(self.came))
        with suppress(RemoteError):
            came.extend(cutter.frames())
        return came


async def holding(relay: Relay) -> tuple[Talker, str]:
    holder = Talker(relay, "198.51.100.9:1")
    [opened] = await holder.says(first(HOLD))
    assert opened[:1] == OPENED
    return holder, opened[1:].decode()


async def paired(relay: Relay) -> tuple[Talker, Talker]:
    holder, name = await holding(relay)
    joiner = Talker(relay)
    assert await joiner.says(first(JOIN, name.encode())) == []
    knock = holder.frames()[-1]
    assert knock[:1] == KNOCK
    answer = Talker(relay, "198.51.100.9:2")
    assert await answer.says(first(ANSWER, knock[1:17])) == [GO]
    assert joiner.frames() == [GO]
    answer.came.clear()
    joiner.came.clear()
    return answer, joiner
