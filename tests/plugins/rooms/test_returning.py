"""Members that come back: what they missed, what they had said, and what another cannot get in their place."""

import json
from pathlib import Path

import pytest
from crowd import Crowd

from plytalk.plugins.rooms.room_events import Kind


async def test_who_comes_back_gets_what_it_missed_once_and_a_private_word_too(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob, carol = await crowd.joins("alice"), await crowd.joins("bob"), await crowd.joins("carol")
        for number in range(3):
            alice.session.say(f"before {number}")
        await bob.until(lambda: "alice: before 2" in bob.texts)
        welcome, last = await bob.welcome(), bob.events[-1].id
        bob.session.say("heard it")
        bob.session.say("all of it")
        await alice.until(lambda: "bob: all of it" in alice.texts)
        bob.cut()
        await alice.until(lambda: any("[bob] has left" in text for text in alice.texts))
        alice.session.say("meanwhile")
        alice.session.say("/msg carol you alone")
        carol.session.say("/msg alice and you")
        await carol.until(lambda: any("you alone" in text for text in carol.texts))
        back = await crowd.joins("bob", resume={"epoch": welcome["epoch"], "last": last})
        again = await back.welcome()
        assert (again["taken"], again["missed"], again["next"], again["you"]) == (2, False, last + 1, "bob")
        await back.until(lambda: any("[bob] is here" in text for text in back.texts))
        assert back.texts == ["bob: heard it", "bob: all of it", "* [bob] has left: the connection was cut.", "alice: meanwhile",
                              "* [bob] is here."]  # fmt: skip
        was = carol.events[-1].id
        carol.cut()
        await alice.until(lambda: any("[carol] has left" in text for text in alice.texts))
        alice.session.say("/msg bob for bob")
        await back.until(lambda: any("for bob" in text for text in back.texts))
        first = next(event.id for event in carol.events if event.kind == Kind.TOLD)
        carol = await crowd.joins("carol", resume={"epoch": welcome["epoch"], "last": first - 1})
        await carol.until(lambda: carol.events and carol.events[-1].kind == Kind.JOINED)
        told = [json.loads(event.text) for event in carol.events if event.kind == Kind.TOLD]
        assert told == [{"to": "carol", "text": "you alone"}, {"to": "alice", "text": "and you"}]
        assert was >= first


async def test_who_comes_back_before_it_was_missed_replaces_itself(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        bob.session.say("mine")
        await alice.until(lambda: "bob: mine" in alice.texts)
        welcome = await bob.welcome()
        back = await crowd.joins("bob", resume={"epoch": welcome["epoch"], "last": bob.events[-1].id})
        again = await back.welcome()
        assert (again["you"], again["taken"]) == ("bob", 1)
        await bob.session.over()
        assert sorted(member.name for member in crowd.hub.members.values()) == ["alice", "bob", "server"]


async def test_another_key_with_the_same_instance_takes_over_nothing(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        bob.session.say("/msg alice secret")
        bob.session.say("mine")
        await alice.until(lambda: "bob: mine" in alice.texts)
        welcome = await bob.welcome()
        mallory = await crowd.joins("mallory", instance="bob", resume={"epoch": welcome["epoch"], "last": 0})
        assert (await mallory.welcome())["taken"] == 0
        await mallory.until(lambda: any("[mallory] is here" in text for text in mallory.texts))
        assert not [text for text in mallory.texts if "secret" in text]
        assert not bob.session.ending
        bob.session.say("still here")
        await mallory.until(lambda: "bob: still here" in mallory.texts)


async def test_a_key_that_was_banned_while_it_was_away_comes_back_like_a_newcomer(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        welcome = bob.told[0]
        bob.cut()
        await alice.until(lambda: any(event.kind == Kind.LEFT for event in alice.events))
        key = crowd.key("bob")
        crowd.hub.moderation.ban(key)
        crowd.hub.marked(key)
        alice.session.say("without bob")
        await alice.until(lambda: "alice: without bob" in alice.texts)
        crowd.hub.moderation.unban(key)
        crowd.hub.marked(key)
        back = await crowd.joins("bob", resume={"epoch": welcome["epoch"], "last": welcome["next"] - 1})
        assert back.told[0]["missed"] is True
        await back.until(lambda: back.texts)
        assert "alice: without bob" not in back.texts


async def test_a_resume_that_was_refused_does_not_count_at_the_next_one(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        bob.cut()
        alice.session.say("while bob was away")
        await alice.until(lambda: "alice: while bob was away" in alice.texts)
        back = await crowd.joins("bob", resume={"epoch": "another", "last": 1})
        assert (await back.welcome())["missed"]
        back.cut()
        again = await crowd.joins("bob", resume={"epoch": crowd.hub.epoch, "last": 0})
        assert (await again.welcome())["next"] == (await back.welcome())["next"]


@pytest.mark.parametrize(
    ("resume", "missed"),
    [
        ({"epoch": "another", "last": 1}, True),
        ({"last": 1}, True),
        ({"epoch": "right", "last": 10**30}, True),
        ({"epoch": "right", "last": -5}, True),
        ({"epoch": "right", "last": "1"}, False),
        ({"epoch": "right"}, False),
        ({}, False),
        (7, False),
        ([], False),
        ("x", False),
    ],
)
async def test_a_return_to_what_never_was_is_a_new_beginning(home: Path, resume: object, missed: bool) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.joins("alice")
        epoch = (await alice.welcome())["epoch"]
        if isinstance(resume, dict) and resume.get("epoch") == "right":
            resume = {**resume, "epoch": epoch}
        bob = await crowd.joins("bob", resume=resume)
        welcome = await bob.welcome()
        assert (welcome["missed"], welcome["next"], welcome["taken"]) == (missed, welcome["now"], 0)


async def test_a_new_name_whose_answer_was_lost_in_the_cut_is_kept(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        welcome, last = await bob.welcome(), crowd.hub.first.log.next - 1
        bob.session.say("/name bert")
        await alice.until(lambda: "* [bob] is now [bert]." in alice.texts)
        bob.cut()
        await alice.until(lambda: "* [bert] has left: the connection was cut." in alice.texts)
        back = await crowd.joins("bob", resume={"epoch": welcome["epoch"], "last": last})
        assert (await back.welcome())["you"] == "bert"
        await alice.until(lambda: alice.texts[-1] == "* [bert] is here.")


async def test_a_new_name_that_another_took_during_the_cut_is_told_with_the_reason(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        welcome = await bob.welcome()
        bob.session.say("/name bert")
        await alice.until(lambda: "* [bob] is now [bert]." in alice.texts)
        bob.cut()
        await alice.until(lambda: "* [bert] has left: the connection was cut." in alice.texts)
        alice.session.say("/name bert")
        await alice.until(lambda: "* [alice] is now [bert]." in alice.texts)
        back = await crowd.joins("bob", resume={"epoch": welcome["epoch"], "last": welcome["next"] - 1})
        again = await back.welcome()
        assert again["you"] != "bert"
        assert "taken" in again["why"]


async def test_a_member_that_comes_back_is_still_away_and_can_still_reply(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        welcome = await bob.welcome()
        bob.session.say("/away lunch")
        alice.session.say("/msg bob are you there?")
        await alice.tells("bob is away: lunch.")
        bob.cut()
        await alice.until(lambda: alice.texts[-1] == "* [bob] has left: the connection was cut.")
        back = await crowd.joins("bob", resume={"epoch": welcome["epoch"], "last": welcome["next"] - 1})
        alice.session.say("/whois bob")
        assert (await alice.answer("whois"))["data"]["away"] == "lunch"
        back.session.say("/reply soon")
        await alice.until(lambda: alice.texts[-1] == "bob, to you alone: soon")


async def test_a_muted_member_keeps_its_own_name_beside_another_with_its_key(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.joins("alice")
        eve, other = await crowd.joins("eve"), await crowd.joins("eve", name="eva", instance="other")
        welcome = await eve.welcome()
        crowd.local_member.say("/mute eve")
        await alice.until(lambda: any(event.kind == Kind.MODERATED for event in alice.events))
        eve.cut()
        other.session.say("/who")
        await other.answer("who")
        back = await crowd.joins("eve", resume={"epoch": welcome["epoch"], "last": welcome["next"] - 1})
        assert (await back.welcome())["you"] == "eve"
