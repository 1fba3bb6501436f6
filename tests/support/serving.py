"""A server in the test's own process that runs while a block does, of the simplest layers there are."""

import asyncio
from types import ModuleType

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.events import Event, Open
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.client import Client
from plytalk.core.endpoints.endpoint import BaseEndpoint
from plytalk.core.endpoints.lifecycle import State
from plytalk.core.endpoints.server import Server
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.registry.registry import Registry
from plytalk.plugins.transports.memory import Memory
from plytalk.testing import GivenKeys, RecordingUi, stack_of
from plytalk.testing.transports import Receiver
from plytalk.testing.verdict import idle

QUICK = Limits(first_byte=0.4, handshake=0.6, goodbye=0.01)


PATIENT = Limits(first_byte=3600, handshake=3600, goodbye=0.01)


class Says(RecordingUi):
    """Says hello, and goes."""

    async def run(self, session: DirectChat) -> None:
        session.say("hello")
        await session.drain()
        session.exit()


def client(*layers: type[Layer], hook=None, limits: Limits = PATIENT) -> tuple[Client, RecordingUi]:
    return end(Client, *layers, hook=hook, limits=limits)


def server(*layers: type[Layer], hook=None, limits: Limits = PATIENT, **options) -> tuple[Server, RecordingUi]:
    return end(Server, *layers, hook=hook, limits=limits, **options)


def end(kind: type[BaseEndpoint], *layers: type[Layer], hook, limits: Limits, **options):
    stack = stack_of(Memory, *layers)
    registry = Registry(points=[])
    registry.hear(stack)
    return kind(stack, hook or registry.manager.hook, limits=limits, **options), stack.ui


class Serving:
    """A server that runs while the block does."""

    def __init__(self, place: str, *layers: type[Layer], keep: bool = True, **options) -> None:
        self._server, self.ui = server(*layers, **options)
        self._place, self._keep = place, keep

    async def __aenter__(self) -> "Serving":
        self.task = asyncio.create_task(self._server.run(self._place, 0, keep=self._keep))
        await self.ui.until(listening=True)
        return self

    async def __aexit__(self, *error) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def stranger(self) -> tuple[Stream, Receiver]:
        """A peer as bare bytes."""
        stream = await Memory().connect(self._place, 0)
        return stream, Receiver(stream)

    async def talks(self, *layers: type[Layer]) -> tuple[Ending, RecordingUi]:
        """A whole conversation with it, once it is free."""
        while self._server.state is State.TALKING:
            await idle()
        its, ui = client(*layers or (Says,))
        return await its.run(self._place, 0), ui


class Far(Memory):
    """Peers that are not on this machine."""

    async def listen(self, host: str, port: int) -> Listener:
        listener = await super().listen(host, port)
        arrive = listener.arrive

        def from_afar(stream: Stream) -> None:
            stream.peer = "192.0.2.1:1234"
            arrive(stream)

        listener.arrive = from_afar
        return listener


def breaking_at(kind: type[Event]):
    """A method `show` that breaks at an event of this kind."""

    def show(self, event: Event) -> None:
        if isinstance(event, kind):
            raise ZeroDivisionError
        RecordingUi.show(self, event)

    return show


def breaking(method: str) -> type[RecordingUi]:
    async def later(self, *arguments) -> None:
        raise ZeroDivisionError

    def broken(self, *arguments) -> None:
        raise ZeroDivisionError

    if method == "open":
        return type("BreaksAtTheStart", (RecordingUi,), {"__doc__": "Breaks.", "show": breaking_at(Open)})
    return type("Breaking", (RecordingUi,), {"__doc__": "Breaks.", method: later if method == "run" else broken})


class Shows(GivenKeys):
    """The server shows a key, and waits for the keys no longer than it likes."""

    name = "shows"
    gives = {Property.KEYS, Property.PEER_KEY}
    shows = {Role.RESPONDER}

    async def initiate(self, io) -> SessionSecrets:
        await io.ask(Identity("test", await io.receive(b"I", 9)))
        secrets = await super().initiate(io)
        await io.receive(b"O", 9)
        return secrets

    async def respond(self, io) -> SessionSecrets:
        await io.send(b"I", b"key")
        secrets = await super().respond(io)
        await io.send(b"O", b"ok")
        return secrets


def hooks(**implementations):
    manager = Registry(points=[]).manager
    module = ModuleType("mine")
    vars(module).update({name: hookimpl(function) for name, function in implementations.items()})
    manager.register(module, "plytalk_feature_mine")
    return manager.hook
