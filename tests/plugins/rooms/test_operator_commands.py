"""What operators do becomes an event, so everybody there sees who did what to whom, and why."""

from pathlib import Path
from typing import Any

import pytest
from crowd import Crowd, Stranger, speaker

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
        await crowd.ui.shows("bob is an operator already. Nothing has changed.")
        crowd.local_member.say("/unmute bob")
        await crowd.ui.shows("bob is not muted. Nothing has changed.")
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
        assert moderated(bob) == [{"action": "deop", "target": {"name": "alice", "key": fingerprint}, "reason": "gone"}]
        crowd.local_member.say(f"/op {crowd.key('carol').fingerprint}")
        await crowd.ui.shows("No key that is known here has this fingerprint.")
        crowd.local_member.say("/op SHA256:short")
        await crowd.ui.shows("That is not a fingerprint")


@pytest.mark.parametrize("leaves", ["cut", "exit", "rename"])
async def test_one_that_has_just_gone_or_renamed_itself_is_banned_by_the_name_that_everybody_saw(home: Path, leaves: str) -> None:
    async with Crowd(home, headless=True, operator=Crowd(home).key("olga").fingerprint) as crowd:
        olga, eve = await crowd.joins("olga"), await crowd.joins("eve")
        if leaves == "cut":
            eve.cut()
        elif leaves == "exit":
            eve.session.exit()
        else:
            eve.session.say("/name innocent")
        await olga.until(lambda: any("[eve]" in text and "here" not in text for text in olga.texts))
        for word in ("mute", "unmute", "deop", "ban"):
            olga.session.say(f"/{word} Eve spam")
            assert (await olga.answer(word))["data"]["target"]["key"] == crowd.key("eve").fingerprint
        assert crowd.hub.moderation.is_banned(crowd.key("eve"))
        assert await crowd.refuses("eve") == "The server says: You are banned from this server."


async def test_the_name_of_one_that_has_gone_makes_nobody_an_operator(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, eve = await crowd.joins("alice"), await crowd.joins("eve")
        eve.cut()
        await alice.until(lambda: "* [eve] has left: the connection was cut." in alice.texts)
        crowd.local_member.say("/op eve")
        await crowd.ui.shows("No member here has the name 'eve'.")
        assert not crowd.hub.moderation.is_op(crowd.key("eve"))


async def test_a_guest_that_has_gone_leaves_the_earlier_holder_of_its_name_alone(home: Path) -> None:
    async with Crowd(home) as crowd:
        names, eve = crowd.hub.names, crowd.key("eve")
        await crowd.joins("alice")
        for key in (eve, None):
            member = speaker("eve", key=key)
            names.bind(member, "eve")
            names.release(member)
        crowd.local_member.say("/ban eve")
        await crowd.ui.shows("No member here has the name 'eve'.")


async def test_a_key_of_one_that_has_gone_is_known_by_its_fingerprint(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, eve = await crowd.joins("alice"), await crowd.joins("eve")
        eve.cut()
        await alice.until(lambda: "* [eve] has left: the connection was cut." in alice.texts)
        crowd.local_member.say(f"/ban {crowd.key('eve').fingerprint}")
        await alice.until(lambda: moderated(alice))
        assert moderated(alice)[0]["target"] == {"name": "eve", "key": crowd.key("eve").fingerprint}


async def test_a_kick_by_key_or_fingerprint_removes_every_member_with_that_key(home: Path) -> None:
    for how in (str, lambda key: key.fingerprint):
        async with Crowd(home) as crowd:
            alice = await crowd.joins("alice")
            eves = [await crowd.joins("eve", instance=name, name=name) for name in ("eve", "eve-2")]
            crowd.local_member.say(f"/kick {how(crowd.key('eve'))}")
            for eve in eves:
                assert (await eve.session.over()).reason == "You were removed from the server by server."
            await alice.until(lambda alice=alice: len(moderated(alice)) == 2)
            assert {one["target"]["name"] for one in moderated(alice)} == {"eve", "eve-2"}


async def test_of_several_with_one_key_the_one_that_was_named_is_told(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.joins("alice")
        for name in ("eve", "eve-2"):
            await crowd.joins("eve", instance=name, name=name)
        crowd.local_member.say("/mute eve-2")
        await alice.until(lambda: moderated(alice))
        assert moderated(alice)[0]["target"]["name"] == "eve-2"


async def test_operators_cannot_lock_themselves_out(home: Path) -> None:
    async with Crowd(home, headless=True, operator=Crowd(home).key("olga").fingerprint) as crowd:
        olga = await crowd.joins("olga")
        for command, why in (
            ("/ban olga", "That is your own key: you could not come in any more. /quit ends your own chat."),
            (f"/ban {crowd.key('olga').fingerprint}", "That is your own key: you could not come in any more."),
            ("/kick olga", "That cannot be done to yourself or to the person at the server. /quit ends your own chat."),
        ):
            olga.session.say(command)
            await olga.tells(why.partition(".")[0])
        assert not crowd.hub.moderation.is_banned(crowd.key("olga"))


async def test_a_role_that_an_option_gives_is_not_said_to_be_taken(home: Path) -> None:
    async with Crowd(home, headless=True, operator=Crowd(home).key("olga").fingerprint) as crowd:
        olga = await crowd.joins("olga")
        olga.session.say("/op olga")
        await olga.answer("op")
        olga.session.say("/deop olga")
        assert (await olga.answer("deop"))["hint"] == "Start it without --operator."
        assert [one["action"] for one in moderated(olga)] == ["op"]
