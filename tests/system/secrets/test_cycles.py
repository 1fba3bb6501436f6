"""No conversation is part of a reference cycle, however it ended: what nobody uses goes at once, and its keys with it."""

import asyncio
import gc
import socket
import struct
import types
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import Refused
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Peer, Role
from plytalk.core.contracts.properties import Property
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.client import Client
from plytalk.core.endpoints.server import Server
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose
from plytalk.plugins.noise import preamble
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.primitives import X25519
from plytalk.plugins.noise.suites import HYBRID
from plytalk.testing import RecordingUi
from plytalk.trust.identity import create

TIMES = 72
"""Conversations of each of the fourteen cases: 1,008 together."""


class Absent(RecordingUi):
    """Nobody sits here."""

    present = False


class Brief(RecordingUi):
    """Says hello, and goes."""

    async def run(self, session: DirectChat) -> None:
        session.say("hello")
        await session.drain()
        session.exit()


class Refuses(Authenticator):
    """Lets nobody in."""

    name = "refuses"
    needs = {Property.PEER_KEY}
    gives = {Property.PEER_IDENTITY}

    async def check(self, peer: Peer) -> None:
        raise Refused("Nobody gets in.")


def stack(home: Path, name: str, ui: type[RecordingUi], rooms: bool, *auths: type[Authenticator]) -> Stack:
    registry = Registry()
    names = {kind: [layer] for kind, layer in registry.profile("plytalk1").layers.items()}
    chosen = choose({**names, "feature": ["rooms"] if rooms else []}, {}, registry.layer)
    return Stack.build({**chosen, "auth": list(auths), "ui": [ui]}, {"identity": home / name})


class Counts:
    """How many conversations have ended at the server, and how many peers did not get in."""

    def __init__(self) -> None:
        self.over = 0
        self.changed = asyncio.Event()

    @hookimpl
    def session_closed(self) -> None:
        self._count()

    @hookimpl
    def turned_away(self) -> None:
        self._count()

    def _count(self) -> None:
        self.over += 1
        self.changed.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(180):
            while self.over < count:
                self.changed.clear()
                await self.changed.wait()


class Case:
    """A server in this process, and a client's stack."""

    def __init__(self, port: int, client: Client, counts: Counts) -> None:
        self.port, self.client, self.counts = port, client, counts

    async def session(self) -> DirectChat:
        """An open conversation, from the client's side."""
        session = await self.client._connect("127.0.0.1", self.port)
        session.begin()
        return session

    def bytes_sent(self, *frames: bytes) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.port), 10)
        for frame in frames:
            sock.sendall(struct.pack(">H", len(frame)) + frame)
        sock.setblocking(False)
        return sock


@asynccontextmanager
async def running(home: Path, rooms: bool, *auths: type[Authenticator], trace: Any = None, **limits: Any) -> AsyncIterator[Case]:
    for name in ("server", "client"):
        create(home / name)
    host, counts = Registry(), Counts()
    its = stack(home, "server", Absent if rooms else RecordingUi, rooms, *auths)
    host.hear(its)
    host.manager.register(counts)
    server = Server(its, host.manager.hook, limits=replace(Limits(goodbye=0.05), **limits), trace=trace)
    task = asyncio.create_task(server.run("127.0.0.1", 0, keep=True))
    ours = stack(home, "client", Brief, False)
    client = Client(ours, Registry(points=[]).manager.hook)
    await prepare(ours.handshake, Role.INITIATOR, lambda prompt: "")
    await its.ui.until(listening=True)  # type: ignore[attr-defined]
    try:
        yield Case(int(its.ui.notices[0].split(" with ")[0].rpartition(":")[2]), client, counts)  # type: ignore[attr-defined]
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def says_goodbye(case: Case) -> None:
    await case.client.run("127.0.0.1", case.port)


async def is_cut(case: Case) -> None:
    session = await case.session()
    session.say("hello")
    session.connection.flush()
    session.stream._transport.abort()  # type: ignore[attr-defined]
    session.forget()


async def sends_what_does_not_decrypt(case: Case) -> None:
    session = await case.session()
    session.stream.send(b"\x00\x20" + bytes(32))
    session.stream.close()
    session.forget()


async def begins_and_leaves(case: Case) -> None:
    with await _half(case):
        pass


async def ends_its_handshake_wrongly(case: Case) -> None:
    with await _half(case) as sock:
        sock.sendall(b"\x00\x60" + bytes(0x60))


async def sends_garbage(case: Case) -> None:
    with case.bytes_sent(b"hello") as sock:
        await asyncio.get_running_loop().sock_recv(sock, 1)


async def announces_too_much(case: Case) -> None:
    with case.bytes_sent() as sock:
        sock.send(b"\xff\xff")
        await asyncio.get_running_loop().sock_recv(sock, 1)


async def is_refused(case: Case) -> None:
    with suppress(Exception):
        await case.client.run("127.0.0.1", case.port)


async def _half(case: Case) -> socket.socket:
    """A client that has read message B, and does not send C."""
    loop = asyncio.get_running_loop()
    offer = preamble.Offer(preamble.tokens(HYBRID, "")).encode()
    sock = case.bytes_sent(offer)
    answer = await _frame(loop, sock)
    suite = preamble.suite(preamble.Answer.decode(answer).chosen)
    handshake = HandshakeState(suite, initiator=True, prologue=preamble.prologue(offer, answer), s=X25519.generate_keypair())
    message = handshake.write_message()
    await loop.sock_sendall(sock, struct.pack(">H", len(message)) + message)
    handshake.read_message(await _frame(loop, sock))
    handshake.forget()
    return sock


async def _frame(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> bytes:
    data = b""
    while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
        data += await loop.sock_recv(sock, 65536)
    return data[2:]


Ends = Callable[[Case], Awaitable[None]]
CASES: tuple[Ends, ...] = (
    says_goodbye, is_cut, sends_what_does_not_decrypt, begins_and_leaves, ends_its_handshake_wrongly, sends_garbage,
    announces_too_much,
)  # fmt: skip


@contextmanager
def no_cycles_of_ours() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        gc.set_debug(0)
        found = Counter(name for each in gc.garbage if (name := ours(each)))
        gc.garbage.clear()
    finally:
        gc.set_debug(0)
        gc.enable()
    assert not found


def ours(each: Any) -> str:
    """What this is, if it is one of our objects, or a frame or a bound method of one."""
    match each:
        case types.FrameType():
            return each.f_code.co_qualname if "plytalk" in each.f_globals.get("__name__", "") else ""
        case types.MethodType():
            return each.__qualname__ if type(each.__self__).__module__.startswith("plytalk") else ""
    return type(each).__name__ if type(each).__module__.startswith("plytalk") else ""


@pytest.mark.parametrize("ends", CASES, ids=lambda ends: ends.__name__)
@pytest.mark.parametrize("rooms", [True, False], ids=["room", "direct"])
async def test_no_conversation_is_part_of_a_cycle(ends: Ends, rooms: bool, tmp_path: Path) -> None:
    gc.collect()
    before = sessions()  # kept, so that no later one has the same id
    async with running(tmp_path, rooms) as case:
        await settled(case, ends, 2)
        with no_cycles_of_ours():
            await settled(case, ends, TIMES)
        assert len({id(each) for each in sessions()} - {id(each) for each in before}) <= 2  # nothing that goes on holds them


async def test_nor_one_that_an_authenticator_refused(tmp_path: Path) -> None:
    async with running(tmp_path, True, Refuses) as case:
        await settled(case, is_refused, 2)
        with no_cycles_of_ours():
            await settled(case, is_refused, TIMES)


async def test_nor_one_that_was_traced(tmp_path: Path) -> None:
    async with running(tmp_path, True, trace=lambda event: None) as case:
        await settled(case, says_goodbye, 2)
        with no_cycles_of_ours():
            await settled(case, says_goodbye, TIMES)


async def settled(case: Case, ends: Ends, times: int) -> None:
    """This many conversations, one after the other, and the server is done with all of them."""
    before = case.counts.over
    for number in range(times):
        await ends(case)
        await case.counts.until(before + number + 1)
    await settle()


def sessions() -> list[DirectChat]:
    """The sessions that there are, also those that earlier tests left."""
    return [each for each in gc.get_objects() if type(each) is DirectChat]


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_look_finds_a_cycle() -> None:
    class Circle:
        """Refers to itself."""

    Circle.__module__ = "plytalk.circle"

    def makes_one() -> None:
        with no_cycles_of_ours():
            circle = Circle()
            circle.itself = circle  # type: ignore[attr-defined]
            del circle

    with pytest.raises(AssertionError, match="Circle"):
        makes_one()


async def test_nor_one_whose_place_another_took(tmp_path: Path) -> None:
    async with running(tmp_path, True, unauthenticated_per_address=2) as case:
        await settled(case, says_goodbye, 1)
        with no_cycles_of_ours():
            waiting = [await _half(case) for _ in range(TIMES)]
            await case.counts.until(1 + TIMES - 2)
            for sock in waiting:
                sock.close()
            await case.counts.until(1 + TIMES)
            await settle()
