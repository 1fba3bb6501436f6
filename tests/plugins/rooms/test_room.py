"""A room brings all that happened to all who are there, once for each turn of the loop."""

import asyncio
from pathlib import Path

import pytest
from crowd import Crowd

from plytalk.core.contracts.limits import Limits
from plytalk.plugins.messages.records import Records
from plytalk.plugins.rooms import room as rooms
from plytalk.plugins.rooms.events import Kind, Mark, RoomEvent
from plytalk.plugins.rooms.room import Room
from plytalk.testing.verdict import idle


class Hears:
    """An ear."""

    def __init__(self, id: int) -> None:
        self.id, self.person, self.name = id, id, f"ear {id}"
        self.heard: list[RoomEvent] = []

    def hear(self, event: RoomEvent) -> None:
        self.heard.append(event)


def a_room(*subscribers: Hears, touched: list[Room] | None = None) -> Room:
    pack = Records(True).pack
    room = Room("lobby", 10, lambda items: list(pack(items)), (touched if touched is not None else []).append)
    room.subscribers.update(dict.fromkeys(subscribers))
    return room


def said(room: Room, text: str, sender: int = 0) -> None:
    room.say(sender, b"\x03bob", 0, text.encode())


def test_all_but_whoever_said_it_hear_it_once() -> None:
    subscribers = [Hears(number) for number in range(1, 4)]
    touched: list[Room] = []
    room = a_room(*subscribers, touched=touched)
    said(room, "hello", sender=1)
    said(room, "again", sender=2)
    assert touched == [room, room]
    room.flush()
    room.flush()
    assert [[event.text for event in subscriber.heard] for subscriber in subscribers] == [
        ["again"],
        ["hello"],
        ["hello", "again"],
    ]
    assert room.messages == 2


def test_what_is_for_some_is_heard_by_them_alone() -> None:
    subscribers = [Hears(number) for number in range(1, 4)]
    room = a_room(*subscribers)
    room.happen(Kind.TOLD, "bob", "psst", audience=frozenset((1, 3)))
    room.flush()
    assert [len(subscriber.heard) for subscriber in subscribers] == [1, 0, 1]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_where_two_are_there_it_is_marked(number: int) -> None:
    subscribers = [Hears(each) for each in range(1, number + 1)]
    room = a_room(*subscribers)
    said(room, "hello")
    for kind in (Kind.JOINED, Kind.LEFT, Kind.DID):
        room.happen(kind, "bob")
    room.flush()
    marked = [bool(event.marks & Mark.TWO) for event in subscribers[0].heard]
    assert marked == [number == 2, number == 2, False, False]


def test_a_crowd_is_not_told_who_comes_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "CROWD", 3)
    subscribers = [Hears(number) for number in range(1, 4)]
    room = a_room(*subscribers)
    room.happen(Kind.JOINED, "bob")
    room.happen(Kind.LEFT, "bob")
    room.happen(Kind.RENAMED, "bob", "rob")
    room.flush()
    assert [event.kind for event in subscribers[0].heard] == [Kind.RENAMED]


def test_words_that_grew_beyond_a_message_are_cut() -> None:
    subscriber = Hears(1)
    room = a_room(subscriber)
    said(room, "\ufffd" * Limits.message)
    room.flush()
    assert len(subscriber.heard[0].text.encode()) <= Limits.message + 2


async def test_members_at_the_same_place_get_the_same_bytes_packed_once(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        members = [await crowd.joins(name) for name in ("alice", "bob", "carol")]
        packed: list[int] = []
        room = crowd.hub.first
        pack = room._pack

        def counted(items):
            packed.append(len(items))
            return pack(items)

        await members[0].until(lambda: "* [carol] is here." in members[0].texts)
        await idle()
        room._pack = counted
        for number in range(20):
            members[0].session.say(f"line {number}")
        for member in members:
            await member.until(lambda member=member: "alice: line 19" in member.texts)
        assert packed == [20]
        last = [member.bodies[-20:] for member in members]
        assert last[0] == last[1] == last[2]


async def test_who_comes_in_the_same_turn_hears_nothing_of_what_was_before(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.joins("alice")
        late = Hears(99)
        hub = crowd.hub
        hub.first.say(-2, b"\x03bob", 0, b"before")

        class Plain(Hears):
            wired, marks, room = False, 0, None

        late = Plain(99)
        hub.enter(late, hub.first)
        hub.first.say(-2, b"\x03bob", 0, b"after")
        await alice.until(lambda: "bob: after" in alice.texts)
        assert [event.text for event in late.heard if event.kind == Kind.SAID] == ["after"]
        hub.first.subscribers.pop(late)
        await asyncio.sleep(0)
