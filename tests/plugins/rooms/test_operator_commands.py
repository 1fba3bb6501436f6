"""What operators do is an event: everybody there sees who did what to whom, and why."""

from pathlib import Path
from typing import Any

import pytest
from crowd import Crowd, Stranger

from plytalk.plugins.authenticators.allow import Allow
from plytalk.plugins.rooms.room_events import Kind, Mark


def moderated(stranger: Stranger) -> list[dict[str, Any]]:
    return [event.details for event in stranger.events if event.kind == Kind.MODERATED]


async def test_what_is_done_to_a_member_is_an_event_with_names_keys_and_a_reason(home: Path) -> None:
    async with Crowd(home, headless=True, operator=Crowd(home).key("olga").fingerprint) as crowd:
        alice, olga, eve = await crowd.joins("alice"), await crowd.joins("olga"), await crowd.joins("eve")
        target = {"name": "eve", "key": crowd.key("eve").fingerprint}
        words = ("mute", "unmute", "op", "deop")
        for word in words:
            olga.session.say(f"/{word} eve because")
            await olga.answer(word)
        olga.session.say("/kick eve too loud")
        await alice.until(lambda: len(moderated(alice)) == 5)
        assert moderated(alice) == [
            *({"action": word, "target": target, "reason": "because"} for word in words),
            {"action": "kick", "target": target, "reason": "too loud"},
        ]
        for event in alice.events:
            if event.kind == Kind.MODERATED:
                assert (event.name, event.fingerprint, event.marks) == ("olga", crowd.key("olga").fingerprint, Mark.OPERATOR)
        assert (await olga.answer("kick"))["data"] == {"action": "kick", "target": target}
        assert (await olga.answer("op"))["data"] == {"action": "op", "target": target, "changed": True}
        assert [one["operator"] for one in eve.told if one["do"] == "you"] == [True, False]
        assert not [event.text for event in alice.events if event.kind == Kind.SAID]
        assert (await eve.session.over()).reason == "You were removed from the server by olga: too loud."


async def test_it_is_seen_in_the_rooms_of_both(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob", room="kitchen")
        carol = await crowd.joins("carol", room="attic")
        crowd.local_member.say("/mute bob")
        for stranger in (alice, bob):
            await stranger.until(lambda stranger=stranger: moderated(stranger))
            assert moderated(stranger)[0]["reason"] is None
        carol.session.say("/who")
        await carol.answer("who")
        assert not moderated(carol)


async def test_what_was_so_already_is_not_an_event(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.joins("alice")
        await crowd.joins("bob")
        for _ in range(2):
            crowd.local_member.say("/op bob")
        await crowd.ui.shows("It was so already.")
        await alice.until(lambda: moderated(alice))
        crowd.local_member.say("/me waves")
        await alice.until(lambda: "* server waves" in alice.texts)
        assert len(moderated(alice)) == 1


async def test_names_that_are_released_and_keys_that_are_let_in_are_events(home: Path) -> None:
    allowed = home / "allowed"
    allowed.write_text(f"{Crowd(home).key('alice')} Alice\n")
    allowed.chmod(0o600)
    async with Crowd(home, auths=[Allow], allow=allowed) as crowd:
        alice = await crowd.joins("alice")
        alice.session.say("/keep")
        await alice.answer("keep")
        crowd.local_member.say("/release alice")
        await alice.until(lambda: moderated(alice))
        crowd.local_member.say(f"/allow {crowd.key('bob')} Bob")
        await alice.until(lambda: len(moderated(alice)) == 2)
        assert moderated(alice) == [
            {"action": "release", "target": {"name": "alice", "key": crowd.key("alice").fingerprint}, "reason": None},
            {"action": "allow", "target": {"name": "Bob", "key": crowd.key("bob").fingerprint}, "reason": None},
        ]


@pytest.mark.parametrize("word", ["kick", "ban", "mute"])
async def test_a_reason_is_short(home: Path, word: str) -> None:
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob")
        crowd.local_member.say(f"/{word} bob {'x' * 201}")
        await crowd.ui.shows("A reason has at most 200 characters.")
        crowd.local_member.say(f"/{word} bob {'x' * 200}")
        await crowd.ui.shows("x" * 200)
        assert bob.ui.session


async def test_a_key_is_named_by_its_fingerprint(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.joins("alice")
        fingerprint = crowd.key("alice").fingerprint
        crowd.local_member.say(f"/op {fingerprint}")
        await alice.until(lambda: moderated(alice))
        assert moderated(alice)[0]["target"] == {"name": "alice", "key": fingerprint}
        alice.cut()
        bob = await crowd.joins("bob")
        crowd.local_member.say(f"/deop {fingerprint} gone")
        await bob.until(lambda: moderated(bob))
        assert moderated(bob) == [{"action": "deop", "target": {"name": None, "key": fingerprint}, "reason": "gone"}]
        crowd.local_member.say(f"/op {crowd.key('carol').fingerprint}")
        await crowd.ui.shows("No key that is known here has this fingerprint.")
        crowd.local_member.say("/op SHA256:short")
        await crowd.ui.shows("That is not a fingerprint")
