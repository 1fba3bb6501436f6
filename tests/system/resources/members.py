"""Honest members by the thousand, in this process: real conversations of plytalk/1, each with a key and its own name.

They come from many loopback addresses, sit in rooms of equal size, and some of each room talk. What is said holds the moment at
which it was said, so each member knows how long it took.
"""

import asyncio
import contextlib
import gc
import resource
import socket
import struct
from collections.abc import Callable
from itertools import cycle, islice
from time import perf_counter

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.items import Extension
from plytalk.core.contracts.peers import Identity as Shown
from plytalk.core.contracts.peers import Role
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.pipeline.connection import Connection
from plytalk.core.stack.selection import Stack
from plytalk.plugins.handshakes.plytalk1 import Plytalk1
from plytalk.plugins.rooms.room_events import EVENT, ROOM, Kind, RoomEvent, read, write
from plytalk.plugins.sockets.tcp_sockets import TcpStream
from plytalk.trust.identity import OwnIdentity
from tests.system.resources.server import LOOPBACK, stack

FIRST_ADDRESS = 0x7F000002  # 127.0.0.2
AN_ADDRESS = 500
"""How many members come from one address."""
AT_ONCE = 16
"""How many are in their handshake at one time."""
PATIENCE = 60.0


def open_files() -> None:
    """Let this process open as many files as it may."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Stranger(Plytalk1):
    """The handshake of somebody who has made a key just now, and keeps it in no file."""

    def __init__(self) -> None:
        super().__init__()
        self._key = OwnIdentity(Ed25519PrivateKey.generate())
        self.identity = Shown(self._key.public.type, self._key.public.blob)


class Member:
    """One member. `heard` is called for every message that it hears: with the text, and whether it is its own."""

    def __init__(
        self, number: int, room: str, heard: Callable[[str, bool], None] = lambda text, own: None, name: str = ""
    ) -> None:
        self.number, self.room, self.name = number, room, name or f"user{number}"
        self._heard, self._handshake = heard, Stranger()
        self.told: list[str] = []
        self._renamed: asyncio.Future[None] | None = None

    @property
    def fingerprint(self) -> str:
        assert self._handshake.identity
        return self._handshake.identity.fingerprint

    async def join(self, port: int, stack: Stack, receive_buffer: int = 0) -> None:
        """Connect, shake hands, and come into the room. Raises ChatError, OSError, TimeoutError."""
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        sock.bind((socket.inet_ntoa(struct.pack(">I", FIRST_ADDRESS + self.number // AN_ADDRESS)), 0))
        loop = asyncio.get_running_loop()
        self._welcome: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[Ending] = loop.create_future()
        async with asyncio.timeout(PATIENCE):
            await loop.sock_connect(sock, (LOOPBACK, port))
            _, stream = await loop.create_connection(lambda: TcpStream(name=f"{LOOPBACK}:{port}"), sock=sock)
            self.session = DirectChat(Connection(replace(stack, handshake=self._handshake), stream, Role.INITIATOR))
            await self.session.open()
            self.session.extend(ROOM, self._asked)
            self.session.extend(EVENT, self._event)
            self.session.when_over(lambda session, ending: self.over.set_result(ending))
            self.session.begin()
            self.session.send_item(Extension(ROOM, write(do="join", room=self.room, name=self.name, instance=str(self.number))))
            await self._welcome

    def _asked(self, body: bytes) -> None:
        said = read(body) or {}
        if said.get("do") == "welcome":
            self._is_called(said["you"])
            self.told.extend(filter(None, [said.get("why")]))
            if not self._welcome.done():
                self._welcome.set_result(None)
        elif said.get("do") in ("tell", "error"):
            self.told.append(said["text"])

    def _event(self, body: bytes) -> None:
        event = RoomEvent.decode(body)
        if event.kind == Kind.SAID:
            self._heard(event.text, event.name == self.name)
        elif event.kind == Kind.RENAMED and event.name == self.name:
            self._is_called(event.text)

    def _is_called(self, name: str) -> None:
        self.name = name
        if self._renamed and not self._renamed.done():
            self._renamed.set_result(None)

    async def called(self, name: str) -> None:
        """Wait until it has this name."""
        while self.name != name:
            self._renamed = asyncio.get_running_loop().create_future()
            await self._renamed

    async def left(self) -> None:
        """Say goodbye, and wait until the connection is over."""
        self.session.exit()
        await self.session.over()


class Heard:
    """The messages sent and heard in a while: how long each message took to each other member, in seconds."""

    def __init__(self) -> None:
        self.said = self.expected = self.own = 0
        self.took: list[float] = []
        self._all: asyncio.Event | None = None

    def hears(self, text: str, own: bool) -> None:
        if own:
            self.own += 1
        elif text.startswith("@"):
            self.took.append(perf_counter() - float(text[1:20]))
        if self._all and not self.lost:
            self._all.set()

    async def all(self) -> None:
        """Wait until all that was said has come to all."""
        if self.lost:
            self._all = asyncio.Event()
            await self._all.wait()

    @property
    def lost(self) -> int:
        """How many have not come to somebody."""
        return self.expected - self.own - len(self.took)


class Members:
    """All of them, in rooms of `a_room` each; a tenth of them talk, or all where there is one room."""

    def __init__(self, port: int, count: int, a_room: int, first: int = 0, prefix: str = "room") -> None:
        self.heard = Heard()
        self._port, self.stack, self._a_room = port, stack("plytalk1"), a_room
        self.all = [Member(first + n, f"{prefix}{n // a_room}", self._hears) for n in range(count)]
        self.talkers = self.all[::10] if count > a_room else self.all

    def _hears(self, text: str, own: bool) -> None:
        self.heard.hears(text, own)

    async def join(self) -> float:
        """Have all come in; how many seconds that took."""
        begun, left = perf_counter(), iter(self.all)

        async def one_after_the_other() -> None:
            for member in left:
                await member.join(self._port, self.stack)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(one_after_the_other())
        gc.collect()
        gc.freeze()  # so that looking for garbage does not keep all of them waiting
        return perf_counter() - begun

    async def talk(self, seconds: float, period: float, going: Callable[[], bool] = lambda: True, size: int = 60) -> Heard:
        """Let each of those who talk say a message in each period, in turn, while it is `going`; wait until all have all."""
        self.heard = heard = Heard()
        loop = asyncio.get_running_loop()
        begun, pause = loop.time(), period / len(self.talkers)
        for number, member in enumerate(islice(cycle(self.talkers), max(1, int(seconds / pause)))):
            await asyncio.sleep(max(0.0, begun + number * pause - loop.time()))
            if number and not going():
                break
            member.session.say(f"@{perf_counter():019.9f} ".ljust(size, "."))
            heard.said += 1
            heard.expected += self._a_room
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await heard.all()
        return heard

    async def leave(self) -> None:
        """Cut all connections."""
        for member in self.all:
            member.session.stream.close()
        await asyncio.sleep(0)
        gc.unfreeze()
