"""A server that has rooms, in the test's own process, and people who come to it, each with a key, options and its own screen."""

import asyncio
import re
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import Refused
from plytalk.core.contracts.events import Event, MemberEvent, Notice, You, notify
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.items import Extension
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.client import Client
from plytalk.core.endpoints.server import ListenAddress, Server
from plytalk.core.io.asyncio_stream import AsyncioStream
from plytalk.core.io.event_lines import lines_of
from plytalk.core.pipeline.connection import Connection
from plytalk.core.pipeline.tracing import Trace
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack
from plytalk.plugins.ciphers.noise import NoiseTransport
from plytalk.plugins.features.rooms import Rooms
from plytalk.plugins.framers.u16 import U16
from plytalk.plugins.handshakes.plytalk1 import Plytalk1
from plytalk.plugins.messages.records import Records
from plytalk.plugins.rooms.room import Speaker
from plytalk.plugins.rooms.room_chat import ClientState
from plytalk.plugins.rooms.room_events import EVENT, ROOM, RoomEvent, read, write
from plytalk.plugins.rooms.ui_events import plain_line
from plytalk.plugins.transports.memory import Memory
from plytalk.plugins.transports.tcp import Tcp
from plytalk.testing import RecordingUi
from plytalk.testing.verdict import idle, within
from plytalk.trust.identity import load_or_create

PATIENT = Limits(first_byte=3600, handshake=3600, goodbye=0.05, ping=0)
FINGERPRINT = re.compile("SHA256:[A-Za-z0-9+/]{43}")


class Screen(RecordingUi):
    """Keeps what it is shown, and of events what they are made of."""

    name = "screen"

    def __init__(self) -> None:
        super().__init__()

    def show(self, event: Event) -> None:
        if isinstance(event, MemberEvent) and event.sender.name:
            self.events.append(event)
            self.messages += lines_of(event)
        else:
            if isinstance(event, You):
                self.notices += lines_of(event)
            super().show(event)
        self._news.set()

    @property
    def happened(self) -> list[MemberEvent]:
        """What happened in its room."""
        return [event for event in self.events if isinstance(event, MemberEvent) and event.sender.name]

    @property
    def said(self) -> list[tuple[int, str, str]]:
        """The same, as number, name and text."""
        return [
            (int(event.id.rpartition("/")[2]), event.sender.name or "", getattr(event, "text", "") or getattr(event, "name", ""))
            for event in self.happened
        ]

    async def shows(self, part: str) -> str:
        """Wait for a line or a notice that has `part` in it, and give it."""

        async def come() -> str:
            while True:
                for line in (*self.messages, *self.notices):
                    if part in (line if "SHA256:" in part else FINGERPRINT.sub("", line)):  # whose letters are random
                        return line
                self._news.clear()
                await self._news.wait()

        return await within(come(), f"{part!r} is not shown, but: {self.messages}, {self.notices}")


class Nobody(Screen):
    """Nobody sits there."""

    present = False


def stack_of(
    home: Path,
    transport: type[Transport],
    *features: type[Feature],
    screen: type[Screen] = Screen,
    auths: Sequence[type[Authenticator]] = (),
    **options: Any,
) -> tuple[Stack, Screen]:
    layers: tuple[type[Layer], ...] = (transport, U16, Plytalk1, NoiseTransport, Records, screen)
    chosen: dict[str, list[type[Layer]]] = {layer.kind: [layer] for layer in layers}
    stack = Stack.build({**chosen, "feature": list(features), "auth": list(auths)}, {"identity": home / "identity", **options})
    ui = stack.ui
    assert isinstance(ui, Screen)
    return stack, ui


class Person:
    """Somebody at a client."""

    def __init__(self, client: Client, ui: Screen, place: tuple[str, int]) -> None:
        self.client, self.ui = client, ui
        self.task = asyncio.create_task(client.run(*place))

    @property
    def chat(self) -> DirectChat | None:
        """The conversation over the present connection, if there is one."""
        return getattr(self.ui.session, "chat", None)

    @property
    def session(self) -> DirectChat:
        assert self.chat is not None
        return self.chat

    def say(self, *lines: str) -> None:
        for line in lines:
            assert self.ui.session is not None
            self.ui.session.say(line)

    async def shows(self, part: str) -> str:
        return await self.ui.shows(part)

    async def over(self) -> Ending:
        return await within(asyncio.shield(self.task), "The conversation does not end.")


def speaker(name: str, id: int = 0, key: PublicKey | None = None) -> Speaker:
    """One that speaks in a room and hears nothing."""
    speaker = Speaker()
    speaker.id, speaker.key, speaker.marks, speaker.room = id, key, 0, None
    speaker.called(name)
    return speaker


class Stranger:
    """A peer with a key that says whatever a test makes it say, and understands items, not rooms."""

    def __init__(self, session: DirectChat) -> None:
        self.session = session
        self.told: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self._events: list[RoomEvent] = []
        self._texts: list[str] = []
        self._news = asyncio.Event()
        session.extend(ROOM, self._told)
        session.extend(EVENT, self._happened)

    def _told(self, body: bytes) -> None:
        self.told.append(read(body) or {})
        self._news.set()

    def _happened(self, body: bytes) -> None:
        self.bodies.append(body)
        self._news.set()

    @property
    def events(self) -> list[RoomEvent]:
        self._events += map(RoomEvent.decode, self.bodies[len(self._events) :])
        return self._events

    @property
    def texts(self) -> list[str]:
        self._texts += map(plain_line, self.events[len(self._texts) :])
        return self._texts

    def ask(self, **request: Any) -> None:
        self.session.send_item(Extension(ROOM, write(do="join", **request)))

    def send(self, kind: int, body: bytes) -> None:
        self.session.send_item(Extension(kind, body))

    async def until(self, condition: Callable[[], object], otherwise: str = "It does not come") -> None:
        async def come() -> None:
            while not condition():
                self._news.clear()
                await self._news.wait()

        await within(come(), f"{otherwise}: {self.told}, {self.texts}")

    async def welcome(self, times: int = 1) -> dict[str, Any]:
        def came() -> bool:
            return sum(one.get("do") == "welcome" for one in self.told) >= times

        await self.until(came, "There is no welcome")
        return [one for one in self.told if one.get("do") == "welcome"][-1]

    async def tells(self, part: str) -> str:
        await self.until(lambda: any(part in line for line in self.lines))
        return next(line for line in self.lines if part in line)

    @property
    def lines(self) -> list[str]:
        """What a screen shows of what the server told it."""
        return [line for one in self.told for line in (*one.get("lines", ()), one.get("text"), one.get("why")) if line]

    async def answer(self, command: str) -> dict[str, Any]:
        """The last answer to a command of this name."""
        await self.until(lambda: any(one.get("command") == command for one in self.told))
        return [one for one in self.told if one.get("command") == command][-1]

    def cut(self) -> None:
        """As if the network had gone."""
        self.session.stream.close()


class Tight(Tcp):
    """Small buffers at the server's end, so that a member that does not read is noticed soon."""

    name = "tight"

    async def listen(self, host: str, port: int) -> Listener:
        listener = await super().listen(host, port)
        arrive = listener.arrive

        def tightened(stream: Stream) -> None:
            assert isinstance(stream, AsyncioStream)
            stream._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            arrive(stream)

        listener.arrive = tightened
        return listener


class Crowd:
    """A server, and everybody who comes, until the block ends. `options` are those of the feature at the server.

    `home` is where everybody's keys are; the server's own files are where PLYTALK_HOME says.
    """

    def __init__(
        self,
        home: Path,
        *features: type[Feature],
        keep: bool = True,
        headless: bool = False,
        screen: type[Screen] = Screen,
        transport: type[Transport] = Memory,
        host: str = "",
        limits: Limits = PATIENT,
        doors: Sequence[tuple[type[Transport], str]] = (),
        guests: Sequence[ListenAddress] = (),
        trace: Trace | None = None,
        **options: Any,
    ) -> None:
        self._home, self._transport, self._keep, self._limits = home, transport, keep, limits
        self._host = host or str(home)
        (home / "server").mkdir(exist_ok=True)
        stack, self.ui = stack_of(home / "server", transport, Rooms, *features, screen=Nobody if headless else screen, **options)
        registry = Registry(points=[])
        registry.hear(stack)
        further = [ListenAddress(replace(stack, transport=kind()), where, 0) for kind, where in doors]
        self.server = Server(stack, registry.manager.hook, limits=limits, doors=further, guests=guests, trace=trace)
        self.people: list[Person] = []
        self.strangers: list[Stranger] = []

    async def __aenter__(self) -> "Crowd":
        self.task = asyncio.create_task(self.server.run(self._host, 0, keep=self._keep))
        waiting = asyncio.create_task(self.ui.until(listening=True))
        await asyncio.wait((self.task, waiting), return_when=asyncio.FIRST_COMPLETED)
        if self.task.done():
            waiting.cancel()
            self.task.result()
        await waiting
        self.place = self.addresses[self._transport.name]
        return self

    @property
    def addresses(self) -> dict[str, tuple[str, int]]:
        """Where each transport listens, for `connect`."""
        told = [event.data for event in self.ui.events if isinstance(event, Notice) and event.code == "listening" and event.data]
        return {data["transport"]: place_of(data["address"]) for data in told}

    async def __aexit__(self, *error: object) -> None:
        for person in self.people:
            person.task.cancel()
        for stranger in self.strangers:
            stranger.session.exit()
            stranger.session.stream.close()
        self.task.cancel()
        await asyncio.gather(self.task, *(person.task for person in self.people), return_exceptions=True)

    @property
    def hub(self) -> Any:
        return next(feature for feature in self.server.stack.features if isinstance(feature, Rooms))._hub

    @property
    def local_member(self) -> Any:
        return self.ui.session

    def key(self, name: str) -> PublicKey:
        """The key with which somebody of this name comes."""
        return load_or_create(self.home(name) / "identity")[0].public

    def home(self, name: str) -> Path:
        path = self._home / name.replace("/", "_")
        path.mkdir(exist_ok=True)
        return path

    async def comes(
        self,
        name: str,
        *,
        key: str = "",
        asks: bool = True,
        trace: Trace | None = None,
        by: type[Transport] | None = None,
        **options: Any,
    ) -> Person:
        """Somebody comes, with the key called `name` (or `key`), and asks to be called so; in the room when it returns."""
        if asks:
            options.setdefault("name", name)
        transport = by or self._transport
        stack, ui = stack_of(self.home(key or name), transport, Rooms, **options)
        person = Person(client_of(stack, self._limits, trace), ui, self.addresses[transport.name])
        self.people.append(person)
        await ui.until(open=True)
        await within(self._in(stack), f"{name} does not get in: {ui.notices}")
        return person

    async def refuses(self, name: str, key: str = "") -> str:
        """Somebody comes who is not let in; the sentence that says why. No conversation is shown."""
        stack, ui = stack_of(self.home(key or name), self._transport, Rooms, name=name)
        person = Person(client_of(stack, self._limits), ui, self.place)
        self.people.append(person)
        try:
            await person.over()
        except Refused as error:
            assert ui.session is None
            return error.sentence
        raise AssertionError(f"{name} got in")

    @staticmethod
    async def _in(stack: Stack) -> None:
        room_client = stack.features[0]._room_client  # type: ignore[attr-defined]
        while room_client.state is not ClientState.IN_ROOM and not (  # noqa: ASYNC110
            room_client.ending and room_client.ending.is_final
        ):
            await asyncio.sleep(0)
        await idle()  # the others hear of it in the turn after

    async def stranger(self, key: str, begins: bool = True) -> Stranger:
        """A peer that has said nothing yet. Unless it `begins`, it reads nothing until its session does."""
        stack, ui = stack_of(self.home(key), self._transport)
        for sentence in await prepare(stack.handshake, Role.INITIATOR, str):
            notify(ui, sentence)
        session = DirectChat(Connection(stack, await stack.transport.connect(*self.place), Role.INITIATOR, limits=self._limits))
        await session.open()
        stranger = Stranger(session)
        if begins:
            session.begin()
        self.strangers.append(stranger)
        return stranger

    async def joins(self, key: str, **request: Any) -> Stranger:
        """A peer that is in a room."""
        stranger = await self.stranger(key)
        stranger.ask(**{"instance": key, "name": key, **request})
        await stranger.welcome()
        return stranger

    async def ended(self) -> Ending:
        return await within(asyncio.shield(self.task), "The server does not end.")


def place_of(address: str) -> tuple[str, int]:
    """A listener's address, for `connect`."""
    host, _, port = address.rpartition(":")
    return (host.strip("[]"), int(port)) if port.isdigit() else (address, 0)


def client_of(stack: Stack, limits: Limits, trace: Trace | None = None) -> Client:
    registry = Registry(points=[])
    registry.hear(stack)
    return Client(stack, registry.manager.hook, limits=limits, trace=trace)
