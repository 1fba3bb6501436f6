"""A client of rooms, to which things happen in a random order: its states follow the table, and no line is lost or repeated."""

import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from crowd import Screen
from meeting import End, Meeting, end
from msgspec.structs import replace

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.items import Extension, Pong
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Role
from plytalk.plugins.rooms import room_chat
from plytalk.plugins.rooms.room_chat import READ_SO_FAR, ClientState, RoomChat
from plytalk.plugins.rooms.room_client import RoomClient
from plytalk.plugins.rooms.room_events import ROOM, write
from plytalk.testing.verdict import idle

AWAY, ASKED, WAITING, IN_ROOM, NO_ROOMS = ClientState
Screen.says, Screen.thinks = "", 0.0  # what a meeting asks of its people


def table() -> set[tuple[ClientState, ClientState]]:
    """The transitions that the source draws."""
    rows = (re.fullmatch(r" *([A-Z_, ]+?) -+ .* -+> ([A-Z_]+)", line) for line in (room_chat.__doc__ or "").splitlines())
    return {(ClientState[before], ClientState[row[2]]) for row in rows if row for before in row[1].split(", ")}


class Watched(RoomChat):
    """Tells which states it goes through."""

    seen: list[ClientState]

    @property  # type: ignore[override]
    def state(self) -> ClientState:
        return RoomChat.state.__get__(self)  # type: ignore[attr-defined,no-any-return]

    @state.setter
    def state(self, state: ClientState) -> None:
        RoomChat.state.__set__(self, state)  # type: ignore[attr-defined]
        self.seen.append(state)


async def never(*arguments: object) -> Any:
    raise AssertionError("the test connects by hand")


class Rig:
    """A client, and a server by hand that counts the lines of all connections."""

    def __init__(self, client: End, server: End, limits: Limits | None = None) -> None:
        self.ends, self._limits = (client, server), limits
        self.client = RoomClient(reconnect=True)
        self.said: list[str] = []
        self.heard: list[str] = []
        self.seen = [AWAY]
        self.ending: Ending | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        """One connection, as `RoomClient.over` has it: it is cut when the block ends."""
        Watched.seen = self.seen
        self.ends[1].person.messages.clear()
        async with Meeting(*self.ends, limits=self._limits, make_chat=Watched) as meeting:
            chat, self.server = meeting.client, meeting.server
            assert isinstance(chat, RoomChat)
            self.server.connection.limits = replace(self.server.limits, unread=-1)  # no pong by itself
            if not hasattr(self.client, "stack"):
                self.client.begin(chat, never, never)
            chat.when_over(lambda _, ending: self.seen.append(AWAY))
            self.client._join(chat)
            yield
            await idle()
            self._listen()
            self.server.stream.close()
            await idle()
        assert chat.ending
        self.ending = chat.ending
        if self.client._reconnecting.is_due(chat.ending):
            self.client._part(chat.ending)

    def _listen(self) -> None:
        self.heard += self.ends[1].person.messages
        self.ends[1].person.messages.clear()

    async def welcome(self) -> None:
        self._listen()
        told = {"room": "lobby", "epoch": "e", "you": "alice", "next": 1, "now": 1, "count": 1, "taken": len(self.heard)}
        self.server.send_item(Extension(ROOM, write(do="welcome", **told)))
        await idle()

    async def pong(self) -> None:
        self.server.send_item(Pong(READ_SO_FAR))
        await idle()

    async def say(self) -> None:
        self.said.append(f"line {len(self.said)}")
        self.client.say(self.said[-1])
        await idle()

    async def command(self) -> None:
        self.client.command(f"do{len(self.said)}")
        self.said.append(f"/do{len(self.said)}")
        await idle()

    async def their_goodbye(self) -> None:
        self.server.exit()
        await idle()


async def two_ends(home: Path) -> tuple[End, End]:
    return (
        await end(Role.INITIATOR, home / "a", person=Screen()),  # type: ignore[arg-type]
        await end(Role.RESPONDER, home / "b", person=Screen()),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("rooms", [True, False], ids=["rooms", "no rooms"])
async def test_in_any_order_it_follows_the_table_and_says_each_line_once(tmp_path: Path, seed: int, rooms: bool) -> None:
    dice, rig, allowed = random.Random(seed), Rig(*await two_ends(tmp_path)), table()
    answers = [rig.welcome] if rooms else [rig.pong, rig.welcome]
    for _ in range(6):
        async with rig.connection():
            for event in dice.choices([rig.say, rig.command, rig.their_goodbye, *answers], [4, 2, 1, *[3] * len(answers)], k=6):
                await event()
        for event in dice.choices([rig.say, rig.command], k=dice.randrange(3)):
            await event()
    async with rig.connection():
        rig.client.exit()
        await rig.welcome()
    assert rig.ending is not None
    assert rig.ending.by is EndedBy.US
    assert {(before, after) for before, after in pairwise(rig.seen) if before is not after} <= allowed
    assert rig.client.state is AWAY
    if rooms:
        assert rig.heard == rig.said
    else:  # such a server cannot say how many lines it received
        assert rig.heard == [line for line in rig.said if line in rig.heard]


async def test_every_row_of_the_table_is_met(tmp_path: Path) -> None:
    rig = Rig(*await two_ends(tmp_path))
    async with rig.connection():
        assert rig.client.state is ASKED
    async with rig.connection():
        assert rig.client.state is WAITING
        await rig.welcome()
        assert rig.client.state is IN_ROOM
    async with rig.connection():
        await rig.pong()
        assert rig.client.state is NO_ROOMS
    async with rig.connection():
        pass
    first = Rig(*rig.ends)
    async with first.connection():
        await first.welcome()
    odd = Rig(*rig.ends)
    async with odd.connection():
        await odd.pong()
        await odd.welcome()
        assert odd.client.state is IN_ROOM
    met = {pair for each in (rig, first, odd) for pair in pairwise(each.seen) if pair[0] is not pair[1]}
    assert table() - met == {(AWAY, NO_ROOMS)}, "that one needs another stack"


async def welcomed(tmp_path: Path, limits: Limits | None = None) -> Rig:
    """A client that was in a room, and whose connection is cut."""
    rig = Rig(*await two_ends(tmp_path), limits)
    async with rig.connection():
        await rig.welcome()
    return rig


async def test_nothing_is_said_behind_a_goodbye_that_waits(tmp_path: Path) -> None:
    rig = await welcomed(tmp_path)
    async with rig.connection():
        await rig.say()
        rig.client.exit()
        rig.client.say("too late")
        rig.client.command("late", (), "7")
        await rig.welcome()
    assert rig.heard == rig.said
    assert rig.ending == Ending(EndedBy.US, "You said exit.")
    screen = rig.ends[0].person
    assert isinstance(screen, Screen)
    assert [event.request for event in screen.events if getattr(event, "code", "") == "not-sent"] == ["7"]


@pytest.mark.parametrize("again", [True, False], ids=["said again", "after a while"])
async def test_a_goodbye_that_waits_goes_out_without_an_answer_when(again: bool, tmp_path: Path) -> None:
    rig = await welcomed(tmp_path, Limits() if again else Limits(goodbye=0.01))
    async with rig.connection():
        await rig.say()
        rig.client.exit()
        chat = rig.client.chat
        assert chat
        assert chat.ending is None
        if again:
            rig.client.exit()
        ending = await chat.over()
    assert ending.by is EndedBy.US
    assert rig.heard == []
    assert "1 line that you sent was not received" in ending.reason


async def test_their_goodbye_before_an_answer_loses_nothing(tmp_path: Path) -> None:
    rig = await welcomed(tmp_path)
    async with rig.connection():
        await rig.say()
        await rig.their_goodbye()
    async with rig.connection():
        await rig.welcome()
    assert rig.heard == rig.said
