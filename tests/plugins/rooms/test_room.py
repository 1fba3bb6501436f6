"""A room sends its events to all its members, once in each turn of the loop."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from crowd import Crowd, Stranger, speaker

from plytalk.core.contracts.limits import DEFAULT_LIMITS, MIB
from plytalk.core.pipeline.connection import Connection
from plytalk.plugins.messages.records import Records
from plytalk.plugins.rooms import outbox
from plytalk.plugins.rooms import room as rooms
from plytalk.plugins.rooms.room import Room
from plytalk.plugins.rooms.room_events import Kind, RoomEvent
from plytalk.testing.verdict import idle


class Hears:
    """A subscriber that keeps what it hears."""

    hears_own = False

    def __init__(self, id: int) -> None:
        self.id, self.person, self.name = id, id, f"subscriber {id}"
        self.heard: list[RoomEvent] = []

    def hear(self, event: RoomEvent) -> None:
        self.heard.append(event)


def a_room(*subscribers: Hears, touched: list[Room] | None = None) -> Room:
    pack = Records(True).pack
    room = Room("lobby", 10, lambda items: list(pack(items)), (touched if touched is not None else []).append)
    room.subscribers.update(dict.fromkeys(subscribers))
    return room


def said(room: Room, text: str, sender: int = 0) -> None:
    room.say(speaker("bob", sender), text)
    room.touch()


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
    room.happen(Kind.TOLD, speaker("bob"), "psst", audience=frozenset((1, 3)))
    room.flush()
    assert [len(subscriber.heard) for subscriber in subscribers] == [1, 0, 1]


def test_a_crowd_is_not_told_who_comes_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "CROWD", 3)
    subscribers = [Hears(number) for number in range(1, 4)]
    room = a_room(*subscribers)
    room.happen(Kind.JOINED, speaker("bob"))
    room.happen(Kind.LEFT, speaker("bob"))
    room.happen(Kind.RENAMED, speaker("bob"), "rob")
    room.flush()
    assert [event.kind for event in subscribers[0].heard] == [Kind.RENAMED]


def test_words_that_grew_beyond_a_message_are_cut() -> None:
    subscriber = Hears(1)
    room = a_room(subscriber)
    said(room, "\ufffd" * DEFAULT_LIMITS.message)
    room.flush()
    assert len(subscriber.heard[0].text.encode()) <= DEFAULT_LIMITS.message + 2


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
        said(hub.first, "before", -2)

        class Plain(Hears):
            hears_events, muted, marks, room, digest = False, False, 0, None, b""

        late = Plain(99)
        hub.enter(late, hub.first)
        said(hub.first, "after", -2)
        await alice.until(lambda: "bob: after" in alice.texts)
        assert [event.text for event in late.heard if event.kind == Kind.SAID] == ["after"]
        hub.first.subscribers.pop(late)
        await asyncio.sleep(0)


# -- much for many ------------------------------------------------------------------------------------------------------------


class Sent:
    """How many bytes a server has sealed for members in each turn of the event loop, one record at a time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.turns: list[int] = [0]
        flush = Connection.flush

        def counted(connection: Connection, plaintexts: Sequence[bytes] = ()) -> None:
            self.turns[-1] += sum(map(len, plaintexts))
            flush(connection, plaintexts)

        monkeypatch.setattr(Connection, "flush", counted)
        self._next()

    def _next(self) -> None:
        if self.turns[-1]:
            self.turns.append(0)
        asyncio.get_running_loop().call_soon(self._next)


LONG = 400_000


async def long(person: Stranger, count: int) -> None:
    """Until this many long messages have come."""
    await person.until(lambda: sum(len(body) > LONG for body in person.bodies) == count, "They do not come")


async def until_heard(person: Stranger, count: int, after: str) -> None:
    """Until so much has come after this."""
    await person.until(lambda: person.texts[-count - 1 :][0].endswith(after))


async def test_a_long_message_to_many_is_sent_in_many_turns_of_the_loop_and_in_order(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "SLICE", 3 * MIB)
    async with Crowd(home, rate=0) as crowd:
        people = [await crowd.joins(f"member-{number}") for number in range(12)]
        guest = await crowd.stranger("guest")
        guest.session.say("hi")
        await people[0].until(lambda: people[0].texts[-1].endswith("hi"))
        sent = Sent(monkeypatch)
        for number in range(3):
            people[number].session.say("x" * (MIB - 100))
            people[number + 1].session.say(f"short {number}")
        people[0].session.say("last")
        for person in people:
            await until_heard(person, 7, after="hi")
        assert max(sent.turns) < 5 * MIB, "one turn of the event loop is spent on them all"
        assert sum(sent.turns) > 36 * (MIB - 100)
        said = [person.bodies[-7:] for person in people]
        assert all(each == said[0] for each in said)
        numbers = [event.id for event in people[0].events]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        await guest.session.stack.ui.until(messages=7)  # type: ignore[attr-defined]
        assert crowd.hub.dropped == 0


async def test_where_all_are_in_step_one_turn_is_for_all_of_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third was reserved for members that were not there, so two of six were told in step, and the others one by one."""
    monkeypatch.setattr(outbox, "SLICE", 3 * MIB)
    async with Crowd(home, headless=True, rate=0) as crowd:
        people = [await crowd.joins(f"member-{number}") for number in range(6)]
        people[0].session.say("hi")
        for person in people:
            await until_heard(person, 0, after="hi")
        alone = []
        monkeypatch.setattr(rooms.Room, "_serve", lambda room, member, *_: alone.append(member) or 0)
        people[0].session.say("x" * (LONG + 1))
        for person in people:
            await long(person, 1)
        assert not alone


async def test_another_room_does_not_wait_until_all_in_this_one_have_a_long_message(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "SLICE", MIB)
    async with Crowd(home, headless=True, rate=0) as crowd:
        people = [await crowd.joins(f"member-{number}") for number in range(12)]
        alice, bob = [await crowd.joins(name, room="kitchen") for name in ("alice", "bob")]
        people[0].session.say("x" * (MIB - 100))
        while not any(len(body) > LONG for person in people for body in person.bodies):  # noqa: ASYNC110
            await asyncio.sleep(0)
        alice.session.say("meanwhile")
        await bob.until(lambda: "alice: meanwhile" in bob.texts)
        assert sum(len(body) > LONG for person in people for body in person.bodies) < 12
        for person in people:
            await long(person, 1)


async def test_where_more_is_said_than_can_be_sent_the_speakers_wait_and_nobody_is_dropped(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "SLICE", 100_000)
    monkeypatch.setattr(rooms, "JAM", MIB)
    async with Crowd(home, headless=True, rate=0) as crowd:
        people = [await crowd.joins(f"member-{number}") for number in range(8)]
        room, most = crowd.hub.first, 0
        say = room.say

        def counted(*said: Any) -> None:
            nonlocal most
            say(*said)
            most = max(most, room.lag, room.log.size(room._heard))

        monkeypatch.setattr(room, "say", counted)
        for number in range(5):
            for person in people:
                person.session.say(f"{number} " + "x" * 400_000)
        for person in people:
            await long(person, 40)
        assert most < 4 * MIB
        assert not room.is_jammed
        assert crowd.hub.dropped == 0
