"""What members do with files: ask for more than they read, give no credit, open a thousand streams, send too much, break off."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import msgspec

from plytalk.core.contracts.items import Extension
from plytalk.plugins.files.file_items import (
    MAX_CREDIT,
    PIECE,
    STREAMS,
    WINDOW,
    FileFailure,
    FileKind,
    Offering,
    Taken,
    carry,
    end_stream,
    give_credit,
    open_stream,
    parse,
    parse_number,
    parse_opening,
    say,
    understand,
)
from plytalk.plugins.files.file_words import FILE
from plytalk.plugins.files.manifest import FileOffer
from tests.system.resources.attacks import MIB, Amount, Row
from tests.system.resources.insiders import CHAT, Client, Program
from tests.system.resources.server import serving

SIZE = 40 * PIECE
HALF = 20 * PIECE
THOUSAND = 1000
PATIENCE = 10.0


class FileMember:
    """A member that sends what it is asked for, as long as it `answers`, and keeps what it is told."""

    def __init__(self, client: Client) -> None:
        self.session = client.session
        self.answers, self.most = True, SIZE
        self.offers: list[int] = []
        self.asked: dict[int, list[int]] = {}
        self.taken = self.came = 0
        self.ends: list[int] = []
        self._news = asyncio.Event()
        self.session.extend(FILE, self._hear)

    def send(self, *bodies: bytes) -> None:
        for body in bodies:
            self.session.send_item(Extension(FILE, body))

    async def offer(self, count: int = 1) -> None:
        file = msgspec.to_builtins(FileOffer(name="film", size=SIZE, root=bytes(32), hash="blake2b"))
        self.send(*[say(Offering(number=number, id=f"{number}", file=file)) for number in range(count)])
        await self.until(lambda: self.taken == count)

    def open(self, at: int = 0, credit: int = WINDOW, which: int = 0) -> None:
        """Ask for one of what is offered, in the stream of its number."""
        self.send(open_stream(self.offers[which], self.offers[which], at, credit))

    async def until(self, condition: Callable[[], object]) -> bool:
        """Wait until it is so; whether it is."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _hear(self, body: bytes) -> None:
        kind, stream, payload = parse(body)
        said = understand(payload) if kind == FileKind.SAY else None
        if isinstance(said, Offering):
            self.offers.append(said.number)
        elif isinstance(said, Taken):
            self.taken += 1
        elif kind == FileKind.OPEN:
            _, at, size = parse_opening(payload)
            self.asked[stream] = [at, size]
        elif kind == FileKind.CREDIT:
            self.asked[stream][1] += parse_number(payload)
        elif kind == FileKind.DATA:
            self.came += len(payload)
            self.send(give_credit(stream, len(payload)))
        elif kind in (FileKind.END, FileKind.FAIL):
            self.ends.append(payload[0] if kind == FileKind.FAIL else -1)
        if self.answers and stream in self.asked:
            self._answer(stream, self.asked[stream])
        self._news.set()

    def _answer(self, stream: int, asked: list[int]) -> None:
        while asked[1] and asked[0] < self.most:
            size = min(PIECE, asked[1], SIZE - asked[0])
            asked[0], asked[1] = asked[0] + size, asked[1] - size
            self.send(carry(stream, bytes(size)))
        if asked[0] == SIZE:
            self.send(end_stream(stream))


Come = Callable[[str], Awaitable[FileMember]]
"""Let a member with this name enter the room."""


async def _three(come: Come, count: int = 1) -> tuple[FileMember, FileMember, FileMember]:
    """One that has offered files, and two that were told of them."""
    ann, bob, eve = [await come(name) for name in ("ann", "bob", "eve")]
    await ann.offer(count)
    for one in (bob, eve):
        await one.until(lambda one=one: len(one.offers) == count)  # type: ignore[misc]
    return ann, bob, eve


async def _receives(one: FileMember) -> bool:
    """Ask for a file, and get all of it."""
    one.open()
    return await one.until(lambda: one.ends) and (one.came, one.ends) == (SIZE, [-1])


async def unread(come: Come) -> tuple[str, bool]:
    """Eight streams with a mebibyte of credit each: so much may pile up for one that does not read."""
    ann, _, eve = await _three(come, STREAMS)
    ann.answers = False
    for which in range(STREAMS):
        eve.open(credit=MAX_CREDIT, which=which)
    await ann.until(lambda: len(ann.asked) == STREAMS)
    asked = sum(size for _, size in ann.asked.values())
    return f"the sender was asked for {asked / MIB:.2f} MiB", 0 < asked <= 2 * MIB


async def streams(come: Come) -> tuple[str, bool]:
    """A thousand streams."""
    ann, bob, eve = await _three(come)
    ann.answers = False
    eve.send(*[open_stream(stream, eve.offers[0], stream, WINDOW) for stream in range(THOUSAND)])
    await eve.until(lambda: len(eve.ends) == THOUSAND - 1)
    opened = len(ann.asked)
    ann.answers = True
    return f"the sender was asked for {opened}; another member got the file", opened == 1 and await _receives(bob)


async def no_credit(come: Come) -> tuple[str, bool]:
    """A byte of credit and no more, at the same byte as another member."""
    _, bob, eve = await _three(come)
    eve.open(credit=1)
    whole = await _receives(bob)
    return f"the other one got {bob.came:,} of {SIZE:,} bytes", whole


async def overrun(come: Come) -> tuple[str, bool]:
    """More data than was asked for."""
    _, bob, eve = await _three(come)
    mallory = await come("mallory")
    await mallory.offer()
    mallory.answers = False
    await eve.until(lambda: len(eve.offers) == 2)
    eve.open(which=1)
    await mallory.until(lambda: mallory.asked)
    (stream,) = mallory.asked
    mallory.send(carry(stream, bytes(WINDOW + 1)))
    failed = await eve.until(lambda: eve.ends)
    whole = await _receives(bob)
    return "its sender was removed, the others went on", failed and eve.ends == [FileFailure.GONE] and whole


async def cut_inside(come: Come) -> tuple[str, bool]:
    """The sender is cut off in the middle."""
    ann, bob, _ = await _three(come)
    ann.most = HALF
    bob.open()
    await bob.until(lambda: bob.came == HALF)
    ann.session.stream.close()
    await bob.until(lambda: bob.ends)
    return f"after {bob.came:,} bytes the receiver was told", (bob.came, bob.ends) == (HALF, [FileFailure.GONE])


DEEDS: dict[str, tuple[Callable[[Come], Awaitable[tuple[str, bool]]], str]] = {
    "asks for a mebibyte in each of eight streams and reads nothing": (unread, "2 MiB at most are asked of the sender"),
    "opens a thousand streams": (streams, "one for each offer, and others get the file"),
    "gives one byte of credit beside another member": (no_credit, "the other member gets the file"),
    "sends more than was asked for": (overrun, "it is removed, and nobody else"),
    "is cut off in the middle of a file": (cut_inside, "the receiver is told, and keeps what has come"),
}


async def _attacked(port: int, attack: Callable[[Come], Awaitable[tuple[str, bool]]]) -> tuple[str, bool]:
    sessions = []

    async def come(name: str) -> FileMember:
        client = await (await Client(port).connect()).join(room="lobby", instance=name, name=name)
        sessions.append(client.session)
        return FileMember(client)

    try:
        return await attack(come)
    finally:
        for session in sessions:
            session.exit()
            session.stream.close()
        await asyncio.sleep(0)


def files(amount: Amount, program: Program = CHAT) -> Iterator[Row]:
    """Break the rules of files."""
    for deed, (attack, wanted) in DEEDS.items():
        with serving("--headless", program=program) as server:
            measured, held = asyncio.run(_attacked(server.port, attack))
        yield Row("files", f"A member {deed}", measured, wanted, held)
