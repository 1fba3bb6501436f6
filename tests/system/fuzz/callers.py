"""The clients of the fuzzer: real handshakes, and then whatever `fuzz.deeds` thinks of.

Each knows what it may hear: nothing that happened in a room before its key and instance first asked to come in there.
"""

import asyncio
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from plytalk.core.contracts.errors import BadFrame, BrokenPlugin, ChatError, FrameTooLong, Tampered
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.pipeline.connection import Connection
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.stack.selection import Stack
from plytalk.plugins.rooms.room_events import EVENT, ROOM, RoomEvent, read
from plytalk.plugins.sockets.tcp_sockets import TcpStream
from plytalk.testing import RecordingUi
from tests.system.fuzz.deeds import INSTANCES, draw
from tests.system.resources.members import Stranger
from tests.system.resources.server import LOOPBACK

LONGEST = 15.0
"""Seconds after which a conversation is cut, whatever it waits for."""
DEEDS_EACH = 12
FAULTS = (BadFrame, BrokenPlugin, FrameTooLong, Tampered)
"""What nothing that an honest server sends can cause."""
Origin = tuple[str, str]


@dataclass
class Scene:
    """What all conversations of a run share: the server, the people, and what was found."""

    port: int
    guests: list[tuple[int, Stack]]
    stack: Stack
    seed: int
    people: list[Stranger]
    happened: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    measured: str = ""
    epochs: set[str] = field(default_factory=set)
    asked: dict[tuple[Origin, str], float] = field(default_factory=dict)
    """When a key and instance first asked to enter a room, in milliseconds since 1970."""

    def found(self, problem: str) -> None:
        self.problems[problem] += 1


class Deaf(RecordingUi):
    """A person who is shown everything and keeps nothing."""

    def message(self, text: str) -> None: ...

    def notice(self, sentence: str) -> None: ...


class Caller:
    """One connection: its handshake, its deeds, its end. The same seed and number do the same."""

    def __init__(self, scene: Scene, number: int) -> None:
        self.scene, self.chance = scene, random.Random(f"{scene.seed} {number}")
        self.person = self.chance.choice(scene.people) if self.chance.random() < 0.7 else Stranger()
        self._own = key_of(self.person)
        self.instance = self.chance.choice(INSTANCES)
        self.sealed = 0
        self._guest = self.chance.random() < 0.15
        self._origins: set[Origin] = {(self._own, "")}
        self._room = "lobby"

    async def run(self) -> None:
        """Raises nothing: what a server must not do is noted in the scene."""
        self.began = time.time() * 1000
        port, stack = self.chance.choice(self.scene.guests) if self._guest else (self.scene.port, self.scene.stack)
        if not self._guest:
            stack = replace(stack, handshake=self.person)
        try:
            async with asyncio.timeout(LONGEST):
                self.stream = await self._connect(port)
                if self.chance.random() < 0.1:
                    await self._break_the_handshake(stack)
                else:
                    await self._converse(DirectChat(Connection(stack, self.stream, Role.INITIATOR)))
        except (OSError, TimeoutError, ChatError) as error:
            self.scene.happened[type(error).__name__] += 1
        finally:
            if hasattr(self, "stream"):
                self.stream.close()

    async def _connect(self, port: int) -> TcpStream:
        loop, sock = asyncio.get_running_loop(), socket.socket()
        sock.setblocking(False)
        try:
            sock.bind((f"127.0.0.{self.chance.randint(2, 9)}", 0))
            await loop.sock_connect(sock, (LOOPBACK, port))
        except BaseException:
            sock.close()
            raise
        self._socket = sock
        _, stream = await loop.create_connection(lambda: TcpStream(name=f"{LOOPBACK}:{port}"), sock=sock)
        return stream

    async def _break_the_handshake(self, stack: Stack) -> None:
        self.scene.happened["handshakes broken"] += 1
        if self.chance.random() < 0.5:
            self.stream.send(self.chance.randbytes(self.chance.choice((1, 5, 50, 2000))))
            await asyncio.sleep(0)
            return
        opening = asyncio.create_task(DirectChat(Connection(stack, self.stream, Role.INITIATOR)).open())
        await asyncio.sleep(self.chance.uniform(0, 0.01))
        self.cut(reset=True)
        with suppress(ChatError):
            await opening

    async def _converse(self, session: DirectChat) -> None:
        await session.open()
        self.scene.happened["conversations"] += 1
        self.asks_for({})
        session.extend(ROOM, self._told)
        session.extend(EVENT, self._event)
        session.heard_by(Deaf())
        session.begin()
        self._cipher, self._framer = session.connection.cipher, session.connection.framer
        for _ in range(self.chance.randint(1, DEEDS_EACH)):
            deed = draw(self.chance, self._guest)
            self.scene.happened[deed.__name__] += 1
            await deed(self)
            if session.ending:
                break
        if self.chance.random() < 0.3 and not session.ending:
            session.exit()
        if session.ending and isinstance(session.ending.error, FAULTS) and not self._guest:
            self.scene.found(f"a client could not read what the server sent: {session.ending.reason}")

    # -- what the deeds use -----------------------------------------------------------------------------------------------

    def seal(self, plaintext: bytes) -> None:
        """Send a plaintext as one message of the conversation."""
        with suppress(ChatError):  # where it is longer than this stack's messages may be
            self.stream.send(self.framed(self._cipher.seal(plaintext)))
            self.sealed += 1

    def framed(self, payload: bytes) -> bytes:
        return self._framer.encode(MESSAGE, payload)

    def cut(self, reset: bool) -> None:
        """Close the connection at once; with `reset` the system tells the server so (SO_LINGER, socket(7))."""
        if reset:
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.close()

    def some_epoch(self) -> str:
        return self.chance.choice([*sorted(self.scene.epochs), "", "another"])

    def some_key(self) -> str:
        return key_of(self.chance.choice(self.scene.people))

    # -- what it may hear -------------------------------------------------------------------------------------------------

    def asks_for(self, asked: dict[str, Any]) -> None:
        """Note that it is about to ask for a room; with another instance it counts as another client."""
        if "instance" in asked:
            self._origins.add((self._own, str(asked["instance"])[:64]))
        for origin in self._origins:
            for room in ("lobby", str(asked.get("room")).casefold()):  # where it asks for what cannot be, it comes into the first
                self.scene.asked.setdefault((origin, room), time.time() * 1000)

    def _told(self, body: bytes) -> None:
        said = read(body) or {}
        if said.get("do") == "welcome":
            self.scene.epochs.add(str(said["epoch"]))
            self._room = str(said["room"])

    def _event(self, body: bytes) -> None:
        event, room = RoomEvent.decode(body), self._room.casefold()
        first = min(self.scene.asked.get((origin, room), self.began) for origin in self._origins)
        if event.time < int(first):
            self.scene.found("somebody heard what happened in a room before asking to come in")
        self.scene.happened["events heard"] += 1


def key_of(person: Stranger) -> str:
    """The public key in one line."""
    assert person.identity
    return str(PublicKey(person.identity.key))


async def call(scene: Scene, at_once: int, going: Callable[[int], bool]) -> int:
    """Have conversations for as long as `going(number)`, `at_once` at a time; return how many there were."""
    number = 0

    async def one_after_another() -> None:
        nonlocal number
        while going(number):
            number += 1
            await Caller(scene, number).run()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(one_after_another())
    return number
