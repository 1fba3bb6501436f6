"""A relay in its own thread and event loop, for tests whose ends run in theirs."""

import asyncio
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from plytalk.plugins.relay.relay_caller import RelayLimits
from plytalk.plugins.relay.relay_server import Relay
from plytalk.plugins.sockets import tcp_sockets

MANY = RelayLimits(joins_a_minute=100_000, holds_of_source=100_000)


@contextmanager
def relaying(limits: RelayLimits = MANY, allowed: Collection[str] | None = None) -> Iterator[tuple[Relay, str]]:
    """A relay, and its address."""
    started = threading.Event()
    made: list[tuple[Relay, str, asyncio.AbstractEventLoop, asyncio.Task[None]]] = []

    async def main() -> None:
        relay = Relay({"127.0.0.1"}, allowed, limits)
        listener = await tcp_sockets.listen("127.0.0.1", 0)
        task = asyncio.ensure_future(relay.serve(listener))
        made.append((relay, listener.address, asyncio.get_running_loop(), task))
        started.set()
        await asyncio.wait({task})

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    started.wait(30)
    relay, address, loop, task = made[0]
    try:
        yield relay, address
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(30)
