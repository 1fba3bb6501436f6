"""plytalk in the same roles as the plain program: real stacks, real sockets, and a UI that counts instead of showing.

    python -m benchmarks.ours server|client|greeter|caller PROFILE PORT [uvloop]

With `uvloop` it runs on that event loop, as `chat` does where the extra `fast` is installed.
"""

import asyncio
import importlib
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

from benchmarks import script
from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.events import Event, Message, Notice
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.ui import Ui
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.client import Client
from plytalk.core.endpoints.server import Server
from plytalk.core.pipeline.connection import Connection
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose_named

HOST = "127.0.0.1"


class Quiet(Ui):
    """A UI whose `message` comes from elsewhere; nothing is typed."""

    message: Callable[[str], None]

    name = "quiet"
    shows_own = False

    async def run(self, session: Any) -> None:
        await asyncio.get_running_loop().create_future()

    def show(self, event: Event) -> None:
        if event.__class__ is Message:
            if not event.own:
                self.message(event.text)
        elif isinstance(event, Notice) and event.code == "listening" and event.data:
            print(event.data["address"].rpartition(":")[2], flush=True)


class ServerUi(script.Server, Quiet):
    async def run(self, session: Any) -> None:
        self.say = session.say
        await super().run(session)


class ClientUi(script.Client, Quiet):
    """Standard input says what to type."""

    async def run(self, session: Any) -> None:
        self._answer = asyncio.Event()
        self.say, self.answered = session.say, self._answer.set
        print("open", flush=True)
        while order := sys.stdin.readline():  # blocks the loop: nobody speaks between two orders
            what, size, count = order.split()
            bursts = script.bursts(int(size), int(count))
            session.say(f"take {int(size) * int(count)}" if what == "send" else f"echo {count}")
            await self._wait()
            start = perf_counter()
            if what == "send":
                for burst in bursts:
                    for line in burst:
                        session.say(line)
                    await session.drain()
                    await asyncio.sleep(0)  # the next piece of standard input comes in a later turn of the loop
            else:
                self.echoes = int(count)
                session.say(bursts[0][0])
            await self._wait()
            print(perf_counter() - start, flush=True)

    async def _wait(self) -> None:
        await self._answer.wait()
        self._answer.clear()


def stack(registry: Registry, profile: str, ui: type[Ui], **layers: str) -> Stack:
    """The layers of a profile, with this UI and with `layers` in place of the profile's."""
    names = {**registry.profile(profile).layers, **layers}
    chosen: dict[str, list[type[Layer]]] = choose_named(names, registry.layer)
    return Stack.build({**chosen, "ui": [ui]})


async def greet(stack: Stack) -> None:
    """Shake hands with any peer."""
    listener = await stack.transport.listen(HOST, 0)
    print(listener.address.rpartition(":")[2], flush=True)
    while True:
        session = DirectChat(Connection(stack, await listener.accept(), Role.RESPONDER))
        await session.open()
        session.stream.close()


async def call(stack: Stack, port: int) -> None:
    """Shake hands as often as standard input says, and wait each time until the server has closed."""
    print("open", flush=True)
    while order := sys.stdin.readline():
        start = perf_counter()
        for _ in range(int(order.split()[1])):
            session = DirectChat(Connection(stack, await stack.transport.connect(HOST, port), Role.INITIATOR))
            await session.open()
            session.begin()
            await session.over()
        print(perf_counter() - start, flush=True)


async def main(role: str, profile: str, port: int) -> None:
    registry = Registry()
    hook: Any = registry.manager.hook
    chosen = stack(registry, profile, ClientUi if role in ("client", "caller") else ServerUi)
    match role:
        case "server":
            await Server(chosen, hook).run(HOST, 0)
        case "client":
            await Client(chosen, hook).run(HOST, port)
        case "greeter":
            await greet(chosen)
        case "caller":
            await call(chosen, port)


def run(role: str, profile: str, port: str, variant: str = "") -> None:
    factory = importlib.import_module("uvloop").new_event_loop if variant == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main(role, profile, int(port)))


if __name__ == "__main__":
    try:
        run(*sys.argv[1:])
    except ChatError as error:
        sys.exit(error.sentence)
