"""The person at the server."""

import asyncio
from pathlib import Path

import pytest
from crowd import Crowd, Screen

from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.errors import BrokenPlugin, Usage
from plytalk.core.contracts.events import Error, Event, MemberEvent, Message, Open
from plytalk.core.contracts.limits import DEFAULT_LIMITS
from plytalk.core.endpoints.handlers import Presence
from plytalk.plugins.rooms.local_member import LocalMember
from plytalk.plugins.rooms.moderation import Moderation
from plytalk.testing.verdict import idle


async def test_it_is_a_member_like_any_other(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        crowd.local_member.say("hello all")
        crowd.local_member.say("//slash")
        crowd.local_member.say("")
        crowd.local_member.say("/me waves")
        await bob.shows("* server waves")
        await alice.shows("* server waves")
        lines = ["server: hello all", "server: /slash", "* server waves"]
        assert [line for line in bob.ui.messages if "server" in line] == lines
        alice.say("hi")
        assert await crowd.ui.shows("alice: hi") == "alice: hi"
        await crowd.local_member.drain()


async def test_one_that_is_left_does_not_take_the_next_one_with_it(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice")
        old, hub = crowd.local_member, crowd.hub
        crowd.server.handler.gathering.presence = Presence.DISPERSED  # all have left, and others have come in the same turn
        new = LocalMember(hub, old.stack, "", lambda: None)
        old.exit()
        await idle()
        assert hub.members[LocalMember.id] is new
        assert list(hub.first.subscribers) == [new]
        assert alice.session.ending is None


async def test_it_has_the_name_that_was_chosen_and_nobody_else_may(home: Path) -> None:
    async with Crowd(home, name="Heidi") as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        bob.say("/name H\u0435idi")
        await bob.shows("is taken")
        crowd.local_member.say("hi")
        await alice.shows("Heidi: hi")
        crowd.local_member.say("/name Gretel")
        await alice.shows("* [Heidi] is now [Gretel].")
        bob.say("/name Heidi")
        await alice.shows("* [bob] is now [Heidi].")


async def test_a_name_that_none_can_have_is_refused_before_anybody_comes(home: Path) -> None:
    with pytest.raises(Usage, match="A name cannot have"):
        async with Crowd(home, name="a:b"):
            pass


async def test_it_goes_to_other_rooms(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        crowd.local_member.say("/join kitchen")
        await alice.shows("* [server] has left: gone to kitchen.")
        await crowd.ui.shows("You are server in kitchen, with nobody else.")
        alice.say("she is gone")
        await bob.shows("she is gone")
        bob.say("/join kitchen")
        await crowd.ui.shows("[bob] is here")
        assert not [line for line in crowd.ui.messages if "gone" in line]


@pytest.mark.parametrize(("muted", "room"), [(True, "lobby"), (False, "kitchen")])
async def test_it_gives_commands_also_where_it_does_not_hear_who_comes(home: Path, muted: bool, room: str) -> None:
    if muted:
        Moderation(home / "rooms").mute(Crowd(home).key("eve"))
    async with Crowd(home) as crowd:
        stranger = await crowd.stranger("eve")
        while crowd.local_member is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        crowd.local_member.say("/rooms")
        await idle()
        assert not [event for event in crowd.ui.events if event.type in ("you", "result")]
        stranger.ask(instance="eve", name="eve", room=room)
        await crowd.ui.shows("lobby: ")
        assert [event.type for event in crowd.ui.events if event.type in ("you", "result")] == ["you", "result"]
        name = (await stranger.welcome())["you"]
        await crowd.ui.shows(f"You are server in lobby, with {name if muted else 'nobody else'}.")
        crowd.local_member.say(f"/kick {name}")
        assert (await stranger.session.over()).reason == "You were removed from the server by server."
        await crowd.local_member.drain()


async def test_it_is_told_who_it_is_and_what_it_does_is_marked_as_its_own(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice")
        for line in ("hello", "/name Gretel", "/me waves"):
            crowd.local_member.say(line)
        await alice.shows("* Gretel waves")
        crowd.local_member.say("/join kitchen")
        await crowd.ui.shows("You are Gretel in kitchen, with nobody else.")
        await alice.shows("gone to kitchen")
        crowd.local_member.say("nobody here?")
        await crowd.ui.shows("nobody here?")
        seen = [(event.type, getattr(event, "own", None), getattr(event, "sender", None)) for event in crowd.ui.events]
        shown = [(type, own, sender.name) for type, own, sender in seen if sender and sender.name != "alice"]
        assert shown == [
            ("you", None, "server"), ("message", True, "server"), ("renamed", True, "server"), ("message", True, "Gretel"),
            ("you", None, "Gretel"), ("you", None, "Gretel"), ("joined", True, "Gretel"), ("message", True, "Gretel"),
        ]  # fmt: skip
        assert [event.present for event in crowd.ui.events if event.type == "you"] == [2, 2, 1]


async def test_what_is_longer_than_a_message_may_be_is_refused_and_not_cut(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice")
        crowd.local_member.say("x" * (DEFAULT_LIMITS.message + 1))
        crowd.local_member.command("me", ("x" * DEFAULT_LIMITS.message,), "7")
        crowd.local_member.say("x" * DEFAULT_LIMITS.message)
        crowd.local_member.say("after")
        await alice.shows("after")
        said = [event.text for event in alice.ui.events if isinstance(event, Message)]
        assert list(map(len, said)) == [DEFAULT_LIMITS.message, 5]
        errors = [event for event in crowd.ui.events if isinstance(event, Error)]
        assert [(error.code, error.command, error.request) for error in errors] == [
            ("too-long", None, None),
            ("too-long", "me", "7"),
        ]


async def test_its_exit_ends_a_server_that_is_there_once(home: Path) -> None:
    async with Crowd(home, keep=False) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        crowd.local_member.say(" Exit")
        assert (await alice.over()).by is (await bob.over()).by is EndedBy.THEM
        await crowd.ended()
        assert crowd.ui.ending is not None


async def test_its_exit_leaves_a_server_that_goes_on_to_the_others(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        crowd.local_member.say("exit")
        crowd.local_member.say("ghost")
        crowd.local_member.exit()
        await alice.shows("* [server] has left.")
        alice.say("still here")
        await bob.shows("still here")
        assert not [line for line in bob.ui.messages if "ghost" in line]
        alice.say("exit")
        bob.say("exit")
        await asyncio.gather(alice.over(), bob.over())
        await crowd.ui.until(over=True)
        carol = await crowd.comes("carol")
        crowd.local_member.say("welcome back")
        await carol.shows("welcome back")


async def test_with_one_other_there_its_exit_is_a_goodbye_to_that_one(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice")
        crowd.local_member.say("exit")
        assert (await alice.over()).by is EndedBy.THEM
        assert not crowd.task.done()


async def test_a_screen_that_breaks_leaves_the_room_and_the_others_go_on(home: Path) -> None:
    class Breaks(Screen):
        """Breaks when bob comes."""

        def show(self, event: Event) -> None:
            if isinstance(event, MemberEvent) and event.sender.name == "bob":
                raise ZeroDivisionError
            super().show(event)

    async with Crowd(home, screen=Breaks) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        await crowd.ui.shows("The ui `screen` raised ZeroDivisionError")
        alice.say("hello")
        await bob.shows("hello")
        await idle()


@pytest.mark.parametrize("method", ["run", "open"])
@pytest.mark.parametrize("keep", [True, False])
async def test_a_ui_that_breaks_ends_a_server_only_if_it_is_there_once(home: Path, method: str, keep: bool) -> None:
    async def later(self, *arguments) -> None:
        raise ZeroDivisionError

    def broken(self, event: Event) -> None:
        if isinstance(event, Open):
            raise ZeroDivisionError
        Screen.show(self, event)

    breaks = type("Breaks", (Screen,), {"__doc__": "Breaks.", **({"run": later} if method == "run" else {"show": broken})})
    async with Crowd(home, screen=breaks, keep=keep) as crowd:
        stranger = await crowd.stranger("alice")
        await stranger.session.over()
        if keep:
            await crowd.ui.shows("The ui `screen` raised ZeroDivisionError")
            while len(crowd.server.capacity):  # noqa: ASYNC110
                await asyncio.sleep(0)
            assert not crowd.task.done()
        else:
            with pytest.raises(BrokenPlugin, match="The ui `screen` raised ZeroDivisionError"):
                await crowd.ended()
