"""Files that people in a test send each other, and one end of the exchange that says whatever a test makes it say."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from crowd import Crowd, Person, Screen, Stranger
from transferring import offered

from plytalk.core.contracts.events import File
from plytalk.core.contracts.layer import Buffer
from plytalk.plugins.files.file_items import PIECE, FileKind, Offering, Saying, carry, parse, say, understand
from plytalk.plugins.files.file_words import FILE
from plytalk.plugins.files.manifest import FileOffer
from plytalk.plugins.files.sending import OutStream, Sending
from plytalk.testing.verdict import within


def written(path: Path, size: int, seed: int = 1) -> Path:
    """A file of this many random bytes."""
    path.write_bytes(random.Random(seed).randbytes(size))
    return path


def file_offer(path: Path) -> FileOffer:
    """What is said of a file when it is offered."""
    with offered(path) as (_, _, offer):
        return offer


async def reaches(screen: Screen, state: str, part: str = "") -> File:
    """Wait until a transfer is in this state on a screen, and give the event."""

    async def come() -> File:
        while True:
            for event in screen.events:
                if isinstance(event, File) and event.state == state and part in event.name:
                    return event
            screen._news.clear()
            await screen._news.wait()

    states = [(event.name, event.state, event.reason) for event in screen.events if isinstance(event, File)]
    return await within(come(), f"No file is {state}, but: {states}, {screen.notices}")


def cut(person: Person) -> None:
    """As if the network had gone."""
    chat = person.session
    chat.stream.close()
    chat.ended(ConnectionResetError())


def transfers(person: Person) -> Any:
    """What somebody offers, and what is offered to them."""
    return person.ui.session.files.transfers  # type: ignore[union-attr]


async def until(condition: Callable[[], object], otherwise: Callable[[], str]) -> None:
    """Wait for this. Raises AssertionError with `otherwise` where it does not come."""

    async def come() -> None:
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    try:
        await within(come(), "It does not come")
    except AssertionError as error:
        raise AssertionError(otherwise()) from error


async def receives(person: Person, folder: Path, name: str) -> bytes:
    """Somebody accepts what is offered; gives what is in the file then."""
    await reaches(person.ui, "offered", name)
    person.say("/accept")
    await reaches(person.ui, "done", name)
    return await asyncio.to_thread((folder / name).read_bytes)


def folder_of(crowd: Crowd, name: str) -> Path:
    """A folder into which somebody receives."""
    folder = crowd.home(name) / "received"
    folder.mkdir(exist_ok=True)
    return folder


async def next_of(sending: Sending, stream: OutStream, most: int) -> list[tuple[int, int, bytes]]:
    """What goes out next in a stream, as the receiver reads it."""
    items = await sending.next_items(stream, most)
    return [parse(item if isinstance(item, bytes) else carry(stream.number, item)) for item in items]


class PatientLink:
    """A link to a server that takes everything at once, and keeps it."""

    turn = 4 * PIECE

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, body: bytes) -> None:
        self.sent.append(body)

    def send_data(self, stream: int, data: Buffer) -> None:
        self.send(carry(stream, data))

    async def writable(self) -> None:
        """At once."""


class FileStranger:
    """A member that sends and is sent items about files, and does what a test says."""

    def __init__(self, stranger: Stranger) -> None:
        self.stranger = stranger
        self.items: list[tuple[int, int, bytes]] = []
        stranger.session.extend(FILE, self._hear)

    def _hear(self, body: bytes) -> None:
        self.items.append(parse(body))
        self.stranger._news.set()

    @property
    def said(self) -> list[Saying]:
        """What the server said in JSON."""
        return [said for kind, _, payload in self.items if kind == FileKind.SAY and (said := understand(payload))]

    def send(self, body: bytes) -> None:
        self.stranger.send(FILE, body)

    def offer(self, file: FileOffer, number: int = 1, to: str | None = None, id: str = "0123", key: str | None = None) -> None:
        self.send(say(Offering(number=number, id=id, file=msgspec.to_builtins(file), to=to, key=key)))

    async def ended(self) -> None:
        """Wait until the server has ended this connection."""
        self.stranger.session.when_over(lambda *_: self.stranger._news.set())
        await self.stranger.until(lambda: self.stranger.session.ending, "The connection goes on")

    async def hears(self, kind: FileKind, count: int = 1) -> tuple[int, int, bytes]:
        """Wait for this many items of a kind, and give the last."""
        await self.stranger.until(lambda: len(self.of(kind)) >= count, f"No {kind.name} comes, but {self.items}")
        return self.of(kind)[-1]

    def of(self, kind: FileKind) -> list[tuple[int, int, bytes]]:
        return [item for item in self.items if item[0] == kind]

    async def server_says(self, what: type[Any]) -> Any:
        """Wait until the server says this."""
        await self.stranger.until(lambda: any(isinstance(one, what) for one in self.said), f"No {what.__name__}: {self.said}")
        return next(one for one in self.said if isinstance(one, what))


async def file_stranger(crowd: Crowd, name: str, **request: Any) -> FileStranger:
    """Such a member, in a room."""
    made = FileStranger(await crowd.stranger(name))
    made.stranger.ask(instance=name, name=name, **request)
    await made.stranger.welcome()
    return made
