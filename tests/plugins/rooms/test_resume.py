"""Coming back: what a member that was cut may be told, and what nobody else may, whatever is sent."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from crowd import Crowd, Stranger, speaker

from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.rooms.resume import MAX_INSTANCE, ReceivedCounts, Resume, origin_of
from plytalk.plugins.rooms.room import Room

KEY = PublicKey.of("ssh-ed25519", bytes(32))


# -- strangers ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [0, -1, -(10**30), 1, True, False, 0.0, 1e308, "0", None, [], 10**30, 2**63, 2**64 - 1])
@pytest.mark.parametrize("room", ["lobby", "kitchen"])
async def test_a_stranger_gets_nothing_from_before_it_came(home: Path, last: Any, room: str) -> None:
    async with Crowd(home, headless=True) as crowd:
        alice, bob = await crowd.joins("alice", room=room), await crowd.joins("bob", room=room)
        alice.session.say("secret of two")
        alice.session.say("/msg bob for you alone")
        await bob.until(lambda: any("for you alone" in text for text in bob.texts))
        bob.cut()
        alice.session.say("last of the old ones")
        await alice.until(lambda: "alice: last of the old ones" in alice.texts)
        epoch = (await alice.welcome())["epoch"]
        mallory = await crowd.joins("mallory", instance="bob", room=room, resume={"epoch": epoch, "last": last})
        welcome = await mallory.welcome()
        assert (welcome["next"], welcome["taken"]) == (welcome["now"], 0)
        alice.session.say("from now on")
        await mallory.until(lambda: "alice: from now on" in mallory.texts)
        assert mallory.texts == ["* [mallory] is here.", "alice: from now on"]


async def test_a_stranger_gets_nothing_from_before_a_restart(home: Path) -> None:
    path = home / "history"
    async with Crowd(home, headless=True, history=path) as crowd:
        alice = await crowd.joins("alice")
        alice.session.say("before the restart")
        await alice.until(lambda: "alice: before the restart" in alice.texts)
    async with Crowd(home, headless=True, history=path) as crowd:
        for number, instance in enumerate(("alice", "mallory")):
            mallory = await crowd.joins(f"mallory-{number}", instance=instance, resume={"epoch": crowd.hub.epoch, "last": 0})
            welcome = await mallory.welcome()
            assert (welcome["next"], welcome["missed"]) == (welcome["now"], True)
            await mallory.until(lambda: mallory.texts)  # noqa: B023
            assert not [text for text in mallory.texts if "restart" in text]


# -- those that were there ----------------------------------------------------------------------------------------------------


async def texts_after(crowd: Crowd, name: str, witness: Stranger, **request: Any) -> list[str]:
    """What somebody is sent that comes back."""
    back = await crowd.joins(name, **request)
    witness.session.say("mark")
    await back.until(lambda: any(text.endswith(": mark") for text in back.texts))
    return [text for text in back.texts if "is here" not in text and "has left" not in text and not text.endswith("mark")]


@pytest.mark.parametrize("history", [False, True])
@pytest.mark.parametrize("last", [0, -5])
async def test_a_resume_starts_at_the_first_event_that_was_sent(home: Path, history: bool, last: int) -> None:
    options = {"history": home / "history"} if history else {}
    async with Crowd(home, headless=True, **options) as crowd:
        alice = await crowd.joins("alice")
        alice.session.say("before")
        await alice.until(lambda: "alice: before" in alice.texts)
        bob = await crowd.joins("bob")
        alice.session.say("during")
        await bob.until(lambda: "alice: during" in bob.texts)
        resume = {"epoch": crowd.hub.epoch, "last": last}
        bob.cut()
        assert await texts_after(crowd, "bob", alice, resume=resume) == ["alice: during"]
    if history:  # who never said a word is known after a restart, too
        async with Crowd(home, headless=True, **options) as crowd:
            alice = await crowd.joins("alice")
            assert await texts_after(crowd, "bob", alice, resume=resume) == ["alice: during", "alice: mark"][:1]


@pytest.mark.parametrize("moves", [False, True], ids=["joins", "moves"])
async def test_a_silent_member_that_entered_an_empty_room_is_known_after_a_restart(home: Path, moves: bool) -> None:
    path = home / "history"
    async with Crowd(home, headless=True, history=path) as crowd:
        if moves:
            bob = await crowd.joins("bob")
            bob.session.say("/join kitchen")
            entered = await bob.welcome(2)
        else:
            bob = await crowd.joins("bob", room="kitchen")
            entered = await bob.welcome()
        alice = await crowd.joins("alice", room="kitchen")
        alice.session.say("one")
        await bob.until(lambda: "alice: one" in bob.texts)
        last = bob.events[-1].id
        bob.cut()
        alice.session.say("two")
        await alice.until(lambda: "alice: two" in alice.texts)
    async with Crowd(home, headless=True, history=path) as crowd:
        bob = await crowd.joins("bob", room="kitchen", resume={"epoch": entered["epoch"], "last": last})
        welcome = await bob.welcome()
        assert (welcome["room"], welcome["missed"], welcome["next"]) == ("kitchen", False, last + 1)
        await bob.until(lambda: "alice: two" in bob.texts)
        assert "alice: one" not in bob.texts


async def test_a_resume_gets_nothing_of_a_room_that_it_was_not_in(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        alice, bob = await crowd.joins("alice", room="kitchen"), await crowd.joins("bob")
        alice.session.say("in the kitchen")
        await alice.until(lambda: "alice: in the kitchen" in alice.texts)
        bob.session.say("/join kitchen")
        await bob.welcome(2)
        alice.session.say("with bob")
        await bob.until(lambda: "alice: with bob" in bob.texts)
        bob.session.say("/join lobby")
        await bob.welcome(3)
        alice.session.say("without bob")
        await alice.until(lambda: "alice: without bob" in alice.texts)
        bob.cut()
        back = await crowd.joins("bob", room="kitchen", resume={"epoch": crowd.hub.epoch, "last": 0})
        assert (await back.welcome())["room"] == "lobby"
        back.session.say("/join kitchen")
        welcome = await back.welcome(2)
        assert welcome["next"] == welcome["now"]
        assert not [text for text in back.texts if text.startswith("alice:")]


async def test_a_room_that_was_forgotten_and_made_again_is_another_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob = await crowd.joins("bob", room="attic")
        bob.cut()
        while crowd.hub.members:
            await crowd.ui.until()
            await asyncio.sleep(0)
        crowd.hub.rooms.forget_empty()
        alice = await crowd.joins("alice", room="attic")
        alice.session.say("of others")
        await alice.until(lambda: "alice: of others" in alice.texts)
        first = alice.events[0].id
        back = await crowd.joins("bob", room="attic", resume={"epoch": crowd.hub.epoch, "last": first})
        welcome = await back.welcome()
        assert (welcome["next"], welcome["missed"]) == (welcome["now"], True)


async def test_who_was_sent_away_comes_back_like_a_newcomer(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        crowd.local_member.say("/kick bob")
        await bob.session.over()
        alice.session.say("without bob")
        await alice.until(lambda: "alice: without bob" in alice.texts)
        assert await texts_after(crowd, "bob", alice, resume={"epoch": crowd.hub.epoch, "last": 0}) == []


# -- members that are there once, and not after their end ---------------------------------------------------------------------


@pytest.mark.parametrize("spoken", [0, 1, 2])
@pytest.mark.parametrize("resume", [None, 0, {"epoch": "right", "last": 0}])
async def test_a_join_after_other_words_replaces_nobody(home: Path, spoken: int, resume: Any) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.stranger("bob")
        for number in range(spoken):
            bob.session.say(f"word {number}")
        if isinstance(resume, dict):
            resume = {**resume, "epoch": crowd.hub.epoch}
        for _ in range(3):
            bob.ask(instance="bob", name="bob", **({} if resume is None else {"resume": resume}))
        await bob.welcome()
        bob.session.say("I am here")
        await alice.until(lambda: "bob: I am here" in alice.texts)
        assert not bob.session.ending
        assert sorted(member.name for member in crowd.hub.members.values()) == ["alice", "bob", "server"]
        crowd.local_member.say("/kick bob")
        await bob.session.over()
        await alice.until(lambda: any(text.startswith("* [bob] has left") for text in alice.texts))
        assert sorted(member.name for member in crowd.hub.members.values()) == ["alice", "server"]
        assert len(crowd.hub.first) == 2


async def test_a_conversation_that_is_over_is_never_admitted(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        await crowd.joins("alice")
        bob = await crowd.joins("bob")
        member = next(one for one in crowd.hub.members.values() if one.name == "bob")
        bob.session.exit()
        while member.session.ending is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        member.hears_events = False
        crowd.hub.join(member, {"do": "join", "instance": "bob", "resume": {}})
        crowd.hub.admit(member)
        assert [one.name for one in crowd.hub.members.values()] == ["alice"]


async def test_a_second_connection_of_an_instance_takes_the_place_of_the_first(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        again = await crowd.joins("bob")  # without a resume
        await bob.session.over()
        assert (await again.welcome())["you"] == "bob"
        again.session.say("one of me")
        await alice.until(lambda: "bob: one of me" in alice.texts)
        assert sorted(member.name for member in crowd.hub.members.values()) == ["alice", "bob"]


# -- by itself ----------------------------------------------------------------------------------------------------------------


def test_an_instance_without_a_key_has_to_be_long_enough() -> None:
    assert origin_of(None, "f" * 15) is None
    assert origin_of(None, "f" * 16) == ("", "f" * 16)
    assert origin_of(KEY, "f") == (str(KEY), "f")
    assert origin_of(KEY, "f" * (MAX_INSTANCE + 1)) is None
    for odd in ("", None, 7, True, ["f" * 16], {"f": 1}):
        assert origin_of(KEY, odd) is None


def test_what_is_asked_for_moves_the_start_later_and_never_earlier() -> None:
    room = Room("lobby", 1000, lambda items: [], lambda room: None)
    for _ in range(20):
        room.say(speaker("a", 1), "x")
    known = ReceivedCounts(0, "lobby", 10)
    starts = {last: Resume.of({"epoch": "e", "last": last}, known).start(room, "e") for last in (-9, 0, 5, 9, 10, 15, 20, 21)}
    assert starts == {-9: 10, 0: 10, 5: 10, 9: 10, 10: 11, 15: 16, 20: 21, 21: None}
    assert Resume.of({"epoch": "other", "last": 15}, known).start(room, "e") is None
    assert Resume.of({"epoch": "e", "last": 15}, None).start(room, "e") is None
    assert Resume.of({"epoch": "e", "last": 15}, ReceivedCounts(0, "kitchen", 10)).start(room, "e") is None
    room.born = 11
    assert Resume.of({"epoch": "e", "last": 15}, known).start(room, "e") is None
