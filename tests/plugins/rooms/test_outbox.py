"""What a turn of the event loop brings about is kept first, then acknowledged and delivered."""

from pathlib import Path

import pytest
from crowd import Crowd

from plytalk.core.pipeline.connection import Connection
from plytalk.plugins.rooms.budget import SLICE
from plytalk.plugins.rooms.room import Room
from plytalk.testing.verdict import idle

NAMES = ("alice", "bob", "carol")


@pytest.mark.parametrize("history", [False, True])
async def test_members_that_have_left_are_not_held(home: Path, history: bool) -> None:
    async with Crowd(home, headless=True, **({"history": home / "history"} if history else {})) as crowd:
        for _ in range(3):
            (await crowd.joins("alice")).session.exit()
            while crowd.hub.members:
                await idle()
        outbox = crowd.hub.outbox
        assert not outbox._entered
        assert not outbox._owing
        assert not outbox._rooms


async def test_what_one_says_alone_goes_out_in_the_callback_that_read_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads, delivered, read, flush = list[Connection](), list[bool](), Connection._receive, Room.flush

    def reads_in(connection: Connection, data: bytes) -> None:
        reads.append(connection)
        try:
            read(connection, data)
        finally:
            reads.pop()

    def flushes(room: Room, left: int = SLICE) -> int:
        delivered.append(bool(reads))
        return flush(room, left)

    monkeypatch.setattr(Connection, "_receive", reads_in)
    monkeypatch.setattr(Room, "flush", flushes)
    async with Crowd(home, headless=True) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        for speaker, line, at_once in (
            (alice, "line 1", False), (alice, "line 2", True), (bob, "line 3", False), (alice, "line 4", False),
            (alice, "line 5", True), (alice, "/topic line 6", True), (alice, "line 7", True), (bob, "/topic line 8", False),
            (alice, "line 9", False),
        ):  # fmt: skip
            delivered.clear()
            speaker.say(line)
            await bob.shows(line[-6:])
            assert delivered == [at_once], line


async def test_what_several_say_in_a_turn_goes_out_together_at_its_end(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, flush = list[int](), Room.flush

    def flushes(room: Room, left: int = SLICE) -> int:
        sent.append(room.log.next - room._heard)
        return flush(room, left)

    async with Crowd(home, headless=True) as crowd:
        people = [await crowd.comes(name) for name in NAMES]
        monkeypatch.setattr(Room, "flush", flushes)
        for number in range(3):
            for name, person in zip(NAMES, people, strict=True):
                person.say(f"{name} {number}")
            for name in NAMES:
                await people[0].shows(f"{name} {number}")
        assert sent == [3, 3, 3]
