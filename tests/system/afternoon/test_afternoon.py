"""Four people and a bot spend an afternoon in a room, and console, JSON lines and Python see the same of it."""

import asyncio
import contextlib
import os
import re
import sys
from pathlib import Path

import pytest
from programs import ENVIRONMENT, chat, serve
from taking_part import QUICK, Cut

import plytalk
from afternoon.readers import ConsoleReader, JsonReader, ProgramReader, PythonReader, Reader, by_console, by_json, by_python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs the terminals of Unix")
BOT = Path(__file__).resolve().parents[3] / "examples" / "bot" / "bot.py"
LONG = "a line of many words that a terminal of eighty columns wraps between two of them, and one of 120 does not"
WAS_CUT = "has left: the connection was cut."

COMING_AND_GOING = [
    "* [ann] removed [robby]: too loud.",
    "* [robby] has left.",
    f"* [carol] {WAS_CUT}",
    "ann: while carol is away",
    "* [carol] is here.",
    "carol: carol is back",
    f"* [ann] {WAS_CUT}",
    "bob: while ann is away",
    "* [ann] is here.",
    "ann: ann is back",
]
"""What everybody sees alike: a bot that is removed, and two who are cut off and come back."""
AFTERNOON = [
    "* [ann] is here.",
    "* [carol] is here.",
    "* [bob] is here.",
    "* [robby] is here.",
    "ann: good afternoon",
    "bob: hello ann",
    f"carol: {LONG}",
    "carol: robby: hello",
    "robby: hello",
    "ann to bob: from ann alone",
    "bob to carol: from bob alone",
    "carol to ann: from carol alone",
    *COMING_AND_GOING,
    f"* [bob] {WAS_CUT}",
    "* [bob] is here.",  # it is dave, who takes the name
    "bob: I am new",
    "* [bob-2] is here.",
    "bob-2: typed while away",
    "* [bob] is now [dave].",
    "* [bob-2] is now [bob].",
    "ann: good night",
]
"""What members do, by the numbers of the events from 1 on."""
PRIVATE = {10, 11, 12}
OWN = {"ann": {1, 5, 10, 13, 16, 19, 21, 22, 30}, "carol": {2, 7, 8, 12, 15, 17, 18}, "dave": {24, 25, 28}}
REPLAYED = {"ann": {19, 20}, "carol": {1, 15, 16}, "dave": {*range(1, 24)} - PRIVATE}
HEARS = {"ann": {10, 12}, "carol": {11, 12}, "dave": set[int]()}
NOT_ON_BOBS_SCREEN = {1, 2, 3, 12, 23, 24, 26}
"""The others who came before he did, what is private to others, and his own coming and going."""

BOBS_SCREEN = [
    "You are bob in lobby, with ann, carol. /help lists what you can do.",
    "* [robby] is here.",
    "ann: good afternoon",
    "bob: hello ann",
    f"carol: {LONG}",
    "carol: robby: hello",
    "robby: hello",
    "ann, to you alone: from ann alone",
    "you, to carol alone: from bob alone",
    "The name 'carol', or one that looks like it, is taken. Choose another one: /name NAME.",
    *COMING_AND_GOING,
    "You are not connected: trying again. What you type now is sent when you are back.",
    "Talking to 127.0.0.1:PORT over u16 | plytalk1 | known-hosts | noise | records.",
    "The name 'bob', or one that looks like it, is taken. Choose another one: /name NAME. You are bob-2.",
    "You are bob-2 in lobby, with carol, ann, bob. /help lists what you can do.",
    "bob: I am new",
    "--- 1 earlier message ---",
    "bob-2: typed while away",
    "* [bob] is now [dave].",
    "* [bob-2] is now [bob].",
    "ann: good night",
    "[lobby]",
]
WRAPPED_AT_80 = {
    BOBS_SCREEN[4]: [
        "carol: a line of many words that a terminal of eighty columns wraps",
        "             between two of them, and one of 120 does not",
    ],
    BOBS_SCREEN[9]: ["The name 'carol', or one that looks like it, is taken. Choose another one: /name", "NAME."],
    BOBS_SCREEN[22]: [
        "The name 'bob', or one that looks like it, is taken. Choose another one: /name",
        "NAME. You are bob-2.",
    ],
    BOBS_SCREEN[20]: ["You are not connected: trying again. What you type now is sent when you are", "back."],
}


def home(folder: Path, name: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**ENVIRONMENT, "PLYTALK_HOME": str(folder / name), "PATH": path, "TERM": "xterm-256color"}
    return {name: value for name, value in environment.items() if name != "NO_COLOR"}


async def all_see(line: str, *readers: Reader) -> None:
    for reader in readers:
        try:
            async with asyncio.timeout(180):
                await reader.until(line)
        except TimeoutError:
            shown = "\n".join(reader.lines)
            raise AssertionError(f"{reader.name} never sees {line!r}, but:\n{shown}") from None


class Room:
    """A server, and those who come to it: ann by Python, bob at a console, carol by JSON lines, each over a link to cut."""

    def __init__(self, folder: Path, size: tuple[int, int], ends: contextlib.AsyncExitStack) -> None:
        self._folder, self._size, self._ends = folder, size, ends

    async def open(self) -> None:
        made = chat("keys", "new", environment=home(self._folder, "ann"))
        (key,) = re.findall(r"SHA256:[\w+/]+", made.stdout + made.stderr)
        options = ("--keep", "--ui", "none", "--backlog", "99", "--operator", key)
        server = self._ends.enter_context(serve(*options, environment=home(self._folder, "server")))
        self._place = f"127.0.0.1:{server.port}"
        self.links = {name: await self._ends.enter_async_context(Cut(self._place)) for name in ("ann", "bob", "carol")}
        self.ann = await self._ann()
        await all_see("* [ann] is here.", self.ann)
        self.carol = await self.comes("carol", self.links["carol"].address)
        await all_see("* [carol] is here.", self.ann, self.carol)
        self.bob = self._bob()
        self.readers: tuple[Reader, ...] = (self.ann, self.bob, self.carol)
        await all_see("* [bob] is here.", self.ann, self.carol)

    async def _ann(self) -> PythonReader:
        more = {"home": self._folder / "ann", "accept_new": True, "reconnect": True, "limits": QUICK}
        program = plytalk.connect(self.links["ann"].address, name="ann", **more)
        return await self._ends.enter_async_context(by_python("ann", program))

    def _bob(self) -> ConsoleReader:
        environment, address = home(self._folder, "bob"), self.links["bob"].address
        return self._ends.enter_context(by_console("bob", address, self._folder, self._size, environment))

    async def comes(self, name: str, address: str = "", asks_for: str = "", bot: bool = False) -> JsonReader:
        """Somebody comes by JSON lines."""
        words = (sys.executable, str(BOT), "connect", self._place, "--name", name, "--accept-new") if bot else ()
        reading = by_json(asks_for or name, address or self._place, home(self._folder, name), *words)
        return await self._ends.enter_async_context(reading)

    async def says(self, reader: Reader, text: str) -> None:
        await reader.say(text)
        await all_see(f"{reader.name}: {text}", *self.readers)

    async def cut(self, away: Reader) -> None:
        """Cut one off, and let it not come back yet."""
        self.links[away.name].is_down = True
        self.links[away.name].cut()
        await all_see(f"* [{away.name}] {WAS_CUT}", *(reader for reader in self.readers if reader is not away))

    async def miss(self, away: Reader, other: Reader) -> None:
        """One is cut off while another says something, and comes back."""
        await self.cut(away)
        await other.say(f"while {away.name} is away")
        await all_see(f"{other.name}: while {away.name} is away", other)
        self.links[away.name].is_down = False
        await all_see(f"{other.name}: while {away.name} is away", *self.readers)
        await self.says(away, f"{away.name} is back")


async def talk(room: Room) -> None:
    """They talk, with a bot and in private; a name is taken, and the bot is kicked."""
    robby = await room.comes("robby", bot=True)
    await all_see("* [robby] is here.", *room.readers)
    for reader, text in ((room.ann, "good afternoon"), (room.bob, "hello ann"), (room.carol, LONG), (room.carol, "robby: hello")):
        await room.says(reader, text)
    await all_see("robby: hello", *room.readers)
    pairs: list[tuple[Reader, Reader]] = [(room.ann, room.bob), (room.bob, room.carol), (room.carol, room.ann)]
    for sender, to in pairs:
        await sender.say(f"from {sender.name} alone", to=to.name)
        await all_see(f"{sender.name} to {to.name}: from {sender.name} alone", sender, to)
    await room.bob.say("/name carol")
    while "is taken. Choose another one" not in " ".join(room.bob.pane.rows):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await room.ann.chat.command("kick", "robby", "too loud")
    await all_see("* [robby] has left.", *room.readers)
    assert await robby.process.wait() == 9


async def lose_a_name(room: Room) -> JsonReader:
    """While bob is cut off a newcomer takes his name, and gives it back later."""
    await room.cut(room.bob)
    await room.bob.say("typed while away")
    dave = await room.comes("dave", asks_for="bob")
    await all_see("bob: while ann is away", dave)
    await dave.say("I am new")
    await all_see("bob: I am new", room.ann, room.carol)
    room.links["bob"].is_down = False
    everybody = *room.readers, dave
    await all_see("bob-2: typed while away", *everybody)
    await dave.order(type="command", command="name", args=["dave"])
    await all_see("* [bob] is now [dave].", *everybody)
    await room.bob.say("/name bob")
    await all_see("* [bob-2] is now [bob].", *everybody)
    return dave


def check_program(reader: ProgramReader, name: str) -> None:
    """It has seen every event once and in order, with its id, but what is private to others."""
    seen = enumerate(AFTERNOON, 1)
    assert reader.happened() == [(f"lobby/{n}", line) for n, line in seen if n not in PRIVATE or n in HEARS[name]]
    assert reader.marked("private") == HEARS[name]
    assert reader.marked("own") == OWN[name]
    assert reader.marked("replayed") == REPLAYED[name]


def check_same(one: ProgramReader, other: ProgramReader) -> None:
    """What both have seen they have seen alike: time, sender with key and marks, text and all."""

    def known(reader: ProgramReader) -> dict[str, object]:
        apart = ("own", "replayed")
        return {e["id"]: {k: v for k, v in e.items() if k not in apart} for e in reader.events if "sender" in e and "own" in e}

    ours, theirs = known(one), known(other)
    both = ours.keys() & theirs.keys()
    assert len(both) >= len(AFTERNOON) - len(PRIVATE)
    assert {id: ours[id] for id in both} == {id: theirs[id] for id in both}


def check_console(bob: ConsoleReader, columns: int, rows: int) -> None:
    """The screen has the same in its rows, and the rows are these."""
    expected = [line for n, line in enumerate(AFTERNOON, 1) if n not in NOT_ON_BOBS_SCREEN]
    assert [line for line in bob.lines if line in AFTERNOON] == expected
    screen = [row for line in BOBS_SCREEN for row in (WRAPPED_AT_80.get(line, [line]) if columns == 80 else [line])]
    seen = [re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", row) for row in bob.since_it_came]
    assert seen == screen
    assert len(bob.pane.rows) == min(rows, len(bob.pane.all_rows))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_three_readers_see_the_same_afternoon(tmp_path: Path, size: tuple[int, int]) -> None:
    async with contextlib.AsyncExitStack() as ends:
        room = Room(tmp_path, size, ends)
        await room.open()
        await talk(room)
        await room.miss(room.carol, room.ann)
        await room.miss(room.ann, room.bob)
        dave = await lose_a_name(room)
        await room.says(room.ann, "good night")
        await all_see("ann: good night", dave)
        for reader, name in ((room.ann, "ann"), (room.carol, "carol"), (dave, "dave")):
            check_program(reader, name)
            check_same(room.ann, reader)
        check_console(room.bob, *size)
        for leaving in (dave, room.carol):
            await leaving.order(type="exit")
            assert await leaving.process.wait() == 0
