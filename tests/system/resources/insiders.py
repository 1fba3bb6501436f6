"""What clients do that have got in: resume what was never theirs, join in another order, ask for more than their share."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from time import monotonic

from msgspec.structs import replace

from plytalk.core.contracts.items import Extension, Ping
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.pipeline.connection import Connection
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.pipeline.tracing import OUT
from plytalk.core.pipeline.tracing import TraceEvent as TraceEvent
from plytalk.core.stack.selection import Stack
from plytalk.plugins.handshakes.noise import Noise
from plytalk.plugins.rooms.room_events import EVENT, ROOM, Kind, RoomEvent, read, write
from tests.system.resources.attacks import MIB, Amount, Row, ms, p99
from tests.system.resources.members import Members, Stranger
from tests.system.resources.rooms import told
from tests.system.resources.server import LOOPBACK, Brief, Server, free_port, measures, serving, stack

SECRETS = 50
"""Lines that are said before the stranger comes."""
PATIENCE = 10.0
GONE = 0.05
FULL = 65519
"""The longest record, in bytes."""


class Client:
    """One connection of plytalk/1, with its own key or another's, that joins when and as it likes."""

    def __init__(self, port: int, key: Stranger | None = None) -> None:
        self.key = key or Stranger()
        self._port, self._stack = port, replace(stack("plytalk1"), handshake=self.key)
        self.epoch = ""
        self.heard: list[str] = []
        self._welcome = asyncio.Event()

    async def connect(self) -> "Client":
        """Raises ChatError."""
        stream = await self._stack.transport.connect(LOOPBACK, self._port)
        self.session = DirectChat(Connection(self._stack, stream, Role.INITIATOR))
        await self.session.open()
        self.session.heard_by(Brief())
        self.session.extend(ROOM, self._told)
        self.session.extend(EVENT, self._event)
        self.session.begin()
        return self

    def ask(self, **request: object) -> None:
        """Ask to join."""
        self.session.send_item(Extension(ROOM, write(do="join", **request)))

    async def join(self, **request: object) -> "Client":
        """Ask to join, and wait for the welcome."""
        self.ask(**request)
        async with asyncio.timeout(PATIENCE):
            await self._welcome.wait()
        return self

    async def leave(self) -> None:
        self.session.exit()
        await self.session.over()

    def _told(self, body: bytes) -> None:
        said = read(body) or {}
        if said.get("do") == "welcome":
            self.epoch = said["epoch"]
            self._welcome.set()

    def _event(self, body: bytes) -> None:
        event = RoomEvent.decode(body)
        if event.kind == Kind.SAID:
            self.heard.append(event.text)


Program = Sequence[str]
CHAT: Program = ("-m", "plytalk")


def resume(amount: Amount, program: Program = CHAT) -> Iterator[Row]:
    """Ask for what was missed, without having been there."""
    with serving("--headless", program=program) as server:
        heard = asyncio.run(_resume(server.port))
    got = "; ".join(f"{name} got {count} lines" for name, count in heard.items())
    yield Row(
        "resume",
        f"{SECRETS} lines are said in two rooms, and then others come with `resume` from the first event on",
        got,
        "none of those lines",
        not any(heard.values()),
    )


async def _resume(port: int) -> dict[str, int]:
    stranger = await (await Client(port).connect()).join(room="kitchen", instance="stranger")
    for room in ("lobby", "kitchen"):
        speaker = await (await Client(port).connect()).join(room=room, instance="speaker")
        for number in range(SECRETS):
            speaker.session.say(f"{room} {number}")
        await speaker.leave()
    await stranger.leave()
    stranger.heard.clear()
    last = {"epoch": stranger.epoch, "last": 0}
    tries = {
        "a new key": (None, "lobby", "stranger"),
        "a key that was in another room": (stranger.key, "lobby", "stranger"),
        "another instance of a key that was there": (stranger.key, "kitchen", "other"),
    }
    return {name: await _hear(port, key, room, instance, last) for name, (key, room, instance) in tries.items()}


async def _hear(port: int, key: Stranger | None, room: str, instance: str, last: dict[str, object]) -> int:
    client = await (await Client(port, key).connect()).join(room=room, instance=instance, resume=last)
    await asyncio.sleep(GONE)
    await client.leave()
    return sum(text.startswith(room) for text in client.heard)


def join(amount: Amount, program: Program = CHAT) -> Iterator[Row]:
    """Say something first, then join with a resume, and break off."""
    port = free_port()
    with serving("--headless", "--metrics", f"{LOOPBACK}:{port}", program=program) as server:
        members, sessions = asyncio.run(_join(server, port, amount.joins))
    yield Row(
        "join",
        f"{amount.joins:,} clients say something, then join with `resume`, and break off",
        f"{sessions:,} conversations and {members:,} members are left",
        "none of either",
        not members and not sessions,
    )


async def _join(server: Server, metrics: int, count: int) -> tuple[int, int]:
    for number in range(count):
        client = await Client(server.port).connect()
        client.session.say("first of all")
        await client.session.drain()
        client.ask(instance=f"i{number}", resume={"epoch": "", "last": 0})
        await client.session.drain()
        await asyncio.sleep(0)
        client.session.stream.close()
    return await _left(metrics)


async def _left(metrics: int) -> tuple[int, int]:
    """Members and conversations, once there are none, or after some time."""
    end = monotonic() + PATIENCE
    while True:
        found = await asyncio.to_thread(measures, metrics)
        left = int(found["plytalk_members"]), int(found["plytalk_sessions_open"])
        if left == (0, 0) or monotonic() > end:
            return left
        await asyncio.sleep(GONE)


def replay(amount: Amount, program: Program = CHAT) -> Iterator[Row]:
    """Play a recorded first message again, in the pattern where it is all that a client says before it may talk."""
    port = free_port()
    lines: list[str] = []
    options = ("--headless", "--metrics", f"{LOOPBACK}:{port}", "--handshake", "noise", "--pattern", "IK")
    with serving(*options, program=program, heard=lines.append) as server:
        key = next(line.split()[-1] for line in lines if "--remote-key" in line)
        first, most = asyncio.run(_replay(server.port, port, key, amount.replays))
    yield Row(
        "replay",
        f"A recorded first message of {first} bytes, of the pattern IK, {amount.replays} times",
        f"{most} got in at one time",
        "nobody gets in",
        first > 0 and not most,
    )


async def _replay(port: int, metrics: int, key: str, count: int) -> tuple[int, int]:
    options = {"pattern": "IK", "remote_key": key}
    honest = Stack.build({**stack("plytalk1").classes, "handshake": [Noise.configured(options)]}, options)
    await prepare(honest.handshake, Role.INITIATOR, lambda prompt: "")
    recorded: list[bytes] = []
    stream = await honest.transport.connect(LOOPBACK, port)
    session = DirectChat(
        Connection(honest, stream, Role.INITIATOR, trace=lambda event: recorded.append(event.data) if sent(event) else None)
    )
    await session.open()
    session.begin()
    session.exit()
    await session.over()
    await _left(metrics)
    writers = [(await asyncio.open_connection(LOOPBACK, port))[1] for _ in range(count)]
    most = 0
    for writer in writers:
        writer.write(recorded[0])
        await writer.drain()
        most = max(most, int((await asyncio.to_thread(measures, metrics))["plytalk_sessions_open"]))
    await asyncio.sleep(1)
    most = max(most, int((await asyncio.to_thread(measures, metrics))["plytalk_sessions_open"]))
    for writer in writers:
        writer.close()
    return len(recorded[0]), most


def sent(event: TraceEvent) -> bool:
    return event.layer == "transport" and event.way == OUT


def _ping(session: DirectChat) -> None:
    for _ in range(200):
        session.send_item(Ping())


def _empty(session: DirectChat) -> None:
    cipher, framer = session.connection.cipher, session.connection.framer
    session.stream.send(b"".join(framer.encode(MESSAGE, cipher.seal(bytes(64))) for _ in range(200)))


def _ask(session: DirectChat) -> None:
    cipher, framer = session.connection.cipher, session.connection.framer
    one = b"\x01\x00\x04/who"
    session.stream.send(framer.encode(MESSAGE, cipher.seal((one * (FULL // len(one))).ljust(FULL, b"\0"))))


FLOODS: dict[str, Callable[[DirectChat], None]] = {"empty pings": _ping, "empty records": _empty, "records full of /who": _ask}


def insider(amount: Amount, program: Program = CHAT) -> Iterator[Row]:
    """Send as much as the network takes, and read none of the answers, while others talk."""
    for name, flood in FLOODS.items():
        with serving("--headless", program=program) as server:
            yield asyncio.run(_insider(server, name, flood, amount))


async def _insider(server: Server, name: str, flood: Callable[[DirectChat], None], amount: Amount) -> Row:
    members = Members(server.port, amount.beside_insider, amount.beside_insider, prefix="lobby")
    await members.join()
    alone = await members.talk(amount.insider, 0.5)
    attacker = await (await Client(server.port).connect()).join(room="lobby0", instance="attacker")
    attacker.session.stream.pause()
    before, most, going = server.memory, 0, True

    async def attack() -> None:
        nonlocal most
        while going and not attacker.session.ending:
            flood(attacker.session)
            attacker.session.connection.flush()
            async with asyncio.timeout(1):
                await attacker.session.drain()
            most = max(most, server.memory)
            await asyncio.sleep(0)

    attacking = asyncio.create_task(attack())
    heard = await members.talk(amount.insider, 0.5)
    going = False
    await asyncio.gather(attacking, return_exceptions=True)
    attacker.session.stream.close()
    grown = max(0, most - before)
    await members.leave()
    return Row(
        "insider",
        f"A member sends {name} and reads nothing, beside {amount.beside_insider} others who talk",
        f"the others: {told(heard)} (p99 before {ms(p99(alone.took))}); memory grew by {grown / MIB:.1f} MiB",
        f"p99 at most 250 ms, nothing lost; memory at most {MOST // MIB} MiB",
        not heard.lost and grown <= MOST,
        p99(heard.took) <= 0.25,
    )


MOST = 4 * MIB
"""What may lie between a member and its answers: 1 MiB of them, as much unread, and what the allocator keeps of both."""
