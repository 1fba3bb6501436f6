"""A slash command on its way: who may, what goes wrong, and who is told."""

import asyncio
import json
from pathlib import Path

import pytest
from crowd import Crowd

from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.feature import Feature
from plytalk.plugins.rooms.typed_command import INSTEAD
from plytalk.testing.verdict import idle


def fail(call) -> None:
    raise ZeroDivisionError("secret of the server")


def bend(call) -> None:
    json.loads("{")


async def fail_later(call) -> None:
    await asyncio.sleep(0)
    raise ZeroDivisionError


def refuse(call) -> None:
    raise Usage(f"No {call.rest}.", "Try tea.")


async def slow(call) -> None:
    await asyncio.sleep(0)
    call.tell_all(f"{call.sender} was slow in {call.room}.")


class Tea(Feature):
    """Tea."""

    name = "tea"
    commands = (
        Command("tea", "Pour.", lambda call: call.publish("tea", call.rest, f"{call.sender} pours {call.rest}.")),
        Command("boom", "Fails.", fail),
        Command("bend", "Fails in what it calls.", bend),
        Command("boomlater", "Fails later.", fail_later),
        Command("refuse", "Refuses.", refuse),
        Command("slow", "Takes a while.", slow),
        Command("odd", "Publishes with an invalid name.", lambda call: call.publish(call.rest, "", "text")),
        Command("only", "For some.", lambda call: call.tell("You may."), True),
        Command("shout", "Repeats.", lambda call: call.tell_all(call.rest)),
    )


async def test_a_feature_s_command_is_done_at_the_server_for_all_to_see(home: Path) -> None:
    async with Crowd(home, Tea) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        alice.say("/tea green", "/TEA  black ", "/slow")
        for ui in (alice.ui, bob.ui, crowd.ui):
            await ui.shows("alice was slow in lobby.")
            assert [line for line in ui.notices if "pours" in line] == ["alice pours green.", "alice pours black."]


async def test_a_command_that_fails_is_told_to_its_sender_alone_and_noticed_at_the_server(home: Path) -> None:
    async with Crowd(home, Tea, headless=True) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        alice.say("/boom", "/Boom again", "/bend", "/boomlater", "after")
        await bob.shows("after")
        await alice.shows("/boomlater of tea failed.")
        sentence = "/boom of tea failed. The fault is in the feature: the person who runs the server is told where."
        assert [notice for notice in alice.ui.notices if "/boom " in notice] == [sentence] * 2
        at = fail.__code__.co_firstlineno + 1
        later = await crowd.ui.shows("/boomlater of tea raised ZeroDivisionError")
        assert later.endswith(f" at {__file__}:{fail_later.__code__.co_firstlineno + 2} of {__name__}.")
        assert crowd.ui.notices.count(f"/boom of tea raised ZeroDivisionError at {__file__}:{at} of {__name__}.") == 2
        at = f"{__file__}:{bend.__code__.co_firstlineno + 1} of {__name__}."
        await crowd.ui.shows(f"/bend of tea raised JSONDecodeError at {at}")
        assert not [line for line in alice.ui.notices if __file__ in line]
        assert not [line for line in (*alice.ui.notices, *bob.ui.notices) if "secret" in line]
        assert not [line for line in (*bob.ui.notices, *bob.ui.messages) if "boom" in line]


async def test_what_it_refuses_is_told_to_its_sender_alone(home: Path) -> None:
    async with Crowd(home, Tea) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        alice.say("/refuse cof\x1bfee")
        assert await alice.shows("Try tea") == "No cof␛fee. Try tea."
        alice.say("/odd", "/odd " + "x" * 33, "/odd a\x07b", "done")
        await bob.shows("done")
        assert len([notice for notice in alice.ui.notices if "not a valid type of event" in notice]) == 3
        assert not [line for line in (*bob.ui.notices, *bob.ui.messages) if "fee" in line]


async def test_an_unknown_command_is_told_and_two_slashes_say_it(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        alice.say("/fly\x1b[2J away", "/", "//fly", "///", "/ x")
        assert (
            await alice.shows("There is no command /fly")
            == "There is no command /fly␛[2J. /help lists them; begin with // to say it."
        )
        await bob.shows("//")
        assert [line for line in bob.ui.messages if line.startswith("alice:")] == ["alice: /fly", "alice: //"]
        assert len([notice for notice in alice.ui.notices if "There is no command /" in notice]) == 3


async def test_who_types_a_command_of_another_chat_is_told_ours(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice")
        alice.say("/names", "/Part")
        assert await alice.shows("/names") == "There is no command /names. /who lists the members."
        assert await alice.shows("/Part") == (
            "There is no command /Part. /join kitchen goes to another room, /quit ends the chat."
        )
        ours = {*crowd.hub.commands}
        assert not ours & INSTEAD.keys()
        assert all(word.strip("/.,") in ours for hint in INSTEAD.values() for word in hint.split() if word.startswith("/"))


async def test_only_operators_may_what_is_for_them(home: Path) -> None:
    async with Crowd(home, Tea) as crowd:
        alice = await crowd.comes("alice")
        for word in ("only", "kick", "ban", "unban", "mute", "unmute", "allow", "op", "deop"):
            alice.say(f"/{word} server")
            await alice.shows(f"/{word} is for operators.")
        crowd.local_member.say("/only")
        assert await crowd.ui.shows("You may.")


async def test_who_is_muted_brings_about_nothing(home: Path) -> None:
    async with Crowd(home, Tea) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        await alice.shows("[bob] is here")
        crowd.local_member.say("/mute bob")
        await alice.shows("[server] muted [bob].")
        before = [*alice.ui.messages]
        bob.say("/me waves", "/shout hey", "/topic x", "/msg alice psst", "/name rob", "words", "//words", "/tea x")
        await bob.shows("nobody else saw that")
        await idle()
        assert alice.ui.messages == before
        assert bob.ui.notices.count("You are muted here. Ask an operator: /who marks them.") == 6


@pytest.mark.parametrize("length", [1024 * 1024 - 100, 1024 * 1024 - 10])
async def test_what_would_be_too_long_is_told(home: Path, length: int) -> None:
    async with Crowd(home, Tea) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        alice.say("/shout " + "\x01" * (length - 7), "after")
        await bob.shows("alice: after")
        await alice.shows("longer than a message may be (1,048,576 bytes)")


async def test_a_guest_s_conversation_is_not_for_others_to_end(home: Path) -> None:
    async with Crowd(home, Tea, headless=True) as crowd:
        alice = await crowd.comes("alice")
        plain = await crowd.stranger("plain")
        plain.session.say("hi")
        await alice.shows("hi")
        for line in ("/shout exit", "//exit"):
            alice.say(line)
        await plain.session.stack.ui.until(messages=1)
        assert not plain.session.ending
        assert plain.session.stack.ui.messages[0] == "* exit"


async def test_a_command_whose_name_is_taken_is_refused_before_anybody_comes(home: Path) -> None:
    class Thief(Feature):
        """Takes what is there."""

        name = "thief"
        commands = (Command("ban", "Mine.", fail),)

    with pytest.raises(Usage, match=r"The feature `thief` brings the command /ban, which plytalk has\."):
        async with Crowd(home, Thief) as crowd:
            await crowd.ended()
    Thief.commands = (Command("tea", "Mine.", fail),)
    with pytest.raises(Usage, match=r"/tea, which tea has"):
        async with Crowd(home, Tea, Thief) as crowd:
            await crowd.ended()
