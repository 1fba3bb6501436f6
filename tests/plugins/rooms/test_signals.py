"""What members tell each other of the moment: only among those who asked for it, and charged like everything."""

from pathlib import Path
from typing import Any

import pytest
from crowd import Crowd, Person, Screen, Tight

from plytalk.core.contracts.events import Read, Typing
from plytalk.plugins.rooms import signals
from plytalk.plugins.rooms.budget import BURST_REQUESTS, REQUESTS
from plytalk.plugins.rooms.moderation import Moderation
from plytalk.plugins.rooms.room_events import ROOM, number_of, write
from plytalk.plugins.rooms.signals import KINDS, kinds_of
from plytalk.testing.verdict import idle, within

ALL = {"typing": True, "receipts": True}


def seen(ui: Screen) -> list[tuple[Any, ...]]:
    """The signals that somebody was shown."""
    return [
        (event.type, event.sender.name, event.on if isinstance(event, Typing) else event.last)
        for event in ui.events
        if isinstance(event, Typing | Read)
    ]


async def shows(ui: Screen, *expected: tuple[Any, ...]) -> None:
    async def come() -> None:
        while len(seen(ui)) < len(expected):
            await idle()

    await within(come(), f"It does not come: {seen(ui)}")
    assert seen(ui) == [*expected]


def session(person: Person) -> Any:
    return person.ui.session


async def in_order(crowd: Crowd, *people: Person) -> None:
    """Everything sent before this has been seen."""
    for number, person in enumerate(people):
        person.say(f"now {number}")
        for each in people:
            await each.shows(f"now {number}")
    await idle()


async def test_those_who_asked_for_it_see_each_other_type_and_read(home: Path) -> None:
    async with Crowd(home, **ALL) as crowd:
        alice, bob = await crowd.comes("alice", **ALL), await crowd.comes("bob", **ALL)
        assert session(alice).tell_typing()
        assert session(alice).tell_typing(False)
        await shows(bob.ui, ("typing", "alice", True), ("typing", "alice", False))
        await shows(crowd.ui, ("typing", "alice", True), ("typing", "alice", False))
        alice.say("hello")
        await bob.shows("hello")
        last = bob.ui.events[-1].id
        assert session(bob).tell_read(last)
        await shows(alice.ui, ("read", "bob", last))
        assert crowd.local_member.tell_typing()
        assert crowd.local_member.tell_read(last)
        await shows(alice.ui, ("read", "bob", last), ("typing", "server", True), ("read", "server", last))
        assert seen(crowd.ui)[-1] == ("read", "bob", last), "nobody is told what they do themselves"


async def test_who_did_not_ask_is_told_nothing_and_tells_nothing(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob, carol = (
            await crowd.comes("alice", **ALL), await crowd.comes("bob"), await crowd.comes("carol", typing=True)
        )  # fmt: skip
        assert not session(bob).tell_typing()
        assert not session(bob).tell_read("lobby/1")
        assert not crowd.local_member.tell_typing()
        assert not crowd.local_member.tell_read("lobby/1")
        assert not session(carol).tell_read("lobby/1")
        session(alice).tell_typing()
        session(alice).tell_read("lobby/1")
        await in_order(crowd, alice, bob, carol)
        assert [*map(len, map(seen, (alice.ui, bob.ui, carol.ui, crowd.ui)))] == [0, 0, 1, 0]


async def test_nothing_of_it_leaves_a_client_that_did_not_ask(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.joins("bob")
        (member,) = (one for one in crowd.hub.members.values() if one.name == "alice")
        before, number = member.budget.requests, crowd.hub.first.log.next
        session(alice).tell_typing()
        session(alice).tell_read("lobby/1")
        alice.say("after")
        await bob.until(lambda: "alice: after" in bob.texts)
        assert member.budget.requests >= before
        assert crowd.hub.first.log.next == number + 1


@pytest.mark.parametrize(
    "body",
    [
        {"do": "typing"}, {"do": "typing", "on": 1}, {"do": "typing", "on": None}, {"do": "read"}, {"do": "read", "last": 0},
        {"do": "read", "last": -1}, {"do": "read", "last": True}, {"do": "read", "last": "1"}, {"do": "read", "last": 10**6},
        {"do": "read", "last": 1.5}, {"do": "read", "on": True}, {"do": "typing", "last": 1},
    ],
    ids=str,
)  # fmt: skip
async def test_what_makes_no_sense_is_passed_on_to_nobody(home: Path, body: dict[str, Any]) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice", **ALL)
        mallory = await crowd.joins("mallory", signals=sorted(KINDS))
        mallory.send(ROOM, write(**body))
        mallory.send(ROOM, write(do="typing", on=True, text="\x1b[2J", name="bob"))
        await shows(alice.ui, ("typing", "mallory", True))


async def test_a_flood_of_them_is_held_back_like_one_of_commands(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice", **ALL)
        mallory = await crowd.joins("mallory", signals=sorted(KINDS))
        (member,) = (one for one in crowd.hub.members.values() if one.name == "mallory")
        began = crowd.hub.loop.time()
        for _ in range(1000):
            mallory.send(ROOM, write(do="typing", on=True))
        await within(until_held(member), "It is never held back")
        refilled = REQUESTS * (crowd.hub.loop.time() - began)  # which counts on a busy machine
        assert BURST_REQUESTS - 5 <= len(seen(alice.ui)) <= BURST_REQUESTS + refilled + 5


async def until_held(member: Any) -> None:
    while not member._held:
        await idle()


async def test_nobody_sees_a_muted_member_type(home: Path) -> None:
    Moderation(home / "rooms").mute(Crowd(home).key("eve"))
    async with Crowd(home) as crowd:
        alice, eve = await crowd.comes("alice", **ALL), await crowd.comes("eve", **ALL)
        session(eve).tell_typing()
        eve.say("is anybody there?")
        await eve.shows("muted")
        assert seen(alice.ui) == []


async def test_in_a_large_room_nobody_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "CROWD", 4)
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice", **ALL), await crowd.comes("bob", **ALL)
        session(alice).tell_typing()
        await shows(bob.ui, ("typing", "alice", True))
        carol = await crowd.comes("carol", **ALL)
        session(alice).tell_typing(False)
        await in_order(crowd, alice, bob, carol)
        assert len(seen(bob.ui)) == 1


async def test_one_that_does_not_read_misses_them(home: Path) -> None:
    async with Crowd(home, transport=Tight, host="127.0.0.1") as crowd:
        alice, mallory = await crowd.comes("alice", **ALL), await crowd.joins("mallory", signals=["typing"])
        (member,) = (one for one in crowd.hub.members.values() if one.name == "mallory")
        mallory.session.stop_reading()
        while not member.full:
            crowd.local_member.say("x" * 100_000)
            await idle()
        before = member.stream.buffered
        for _ in range(20):
            session(alice).tell_typing()
        alice.say("after")
        await alice.shows("after")
        assert member.stream.buffered == before


async def test_during_a_cut_there_is_nothing_to_tell(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice", reconnect=True, **ALL)
        next(one for one in crowd.hub.members.values() if one.name == "alice").session.stream.close()
        while alice.chat:
            await idle()
        assert session(alice).tell_typing()
        assert session(alice).tell_read("lobby/1")


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [(["typing", "read"], KINDS), (["read", "dance", 7, None], {"read"}), ("typing", ()), (None, ()), ([[]], ()), ({}, ())],
)
def test_what_a_request_asks_for_is_what_there_is_of_it(asked: object, kinds: set[str]) -> None:
    assert kinds_of(asked) == frozenset(kinds)


@pytest.mark.parametrize(
    ("id", "number"), [("lobby/7", 7), ("kitchen/7", 0), ("lobby/x", 0), ("7", 0), ("lobby/" + "9" * 20, 0), ("", 0)]
)
def test_the_number_of_an_event_is_in_its_id(id: str, number: int) -> None:
    assert number_of(id, "lobby") == number
