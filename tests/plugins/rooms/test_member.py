"""A connection at the server: members that get events, and members that get lines."""

import asyncio
from pathlib import Path

import pytest
from crowd import PATIENT, Crowd

from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.events import Message
from plytalk.core.contracts.items import Pong
from plytalk.core.contracts.limits import DEFAULT_LIMITS
from plytalk.core.contracts.peers import Role
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.server import ListenAddress
from plytalk.core.pipeline.connection import Connection
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose_named
from plytalk.plugins.rooms import member as members
from plytalk.plugins.rooms.room_events import Kind
from plytalk.plugins.transports.memory import Memory
from plytalk.testing import RecordingUi
from plytalk.testing.verdict import idle

# -- members that get lines ----------------------------------------------------------------------------------------------


async def test_who_speaks_without_joining_hears_and_says_lines(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice")
        plain = await crowd.stranger("plain")
        plain.session.say("hi there")
        line = await alice.shows("hi there")
        name = line.partition(":")[0]
        alice.say("hello\r\nforged: line", "/me waves")
        ui = plain.session.stack.ui
        await ui.until(messages=2)
        assert ui.messages == ["alice: hello␍␊forged: line", "* alice waves"]
        plain.session.say("/who")
        await ui.until(messages=5)
        assert [line for line in ui.messages if name in line] == [f"* {name}, {crowd.key('plain').fingerprint}"]


async def test_one_that_hears_lines_is_told_who_it_is_when_that_changes(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        plain = await crowd.stranger("plain")
        ui = plain.session.stack.ui
        plain.session.say("/name paul")
        await ui.until(messages=2)
        plain.session.say("/join kitchen")
        await ui.until(messages=3)
        assert ui.messages[1:] == ["* You are paul in lobby, with 0 more.", "* You are paul in kitchen, with 0 more."]


async def test_who_says_nothing_for_a_moment_hears_lines_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "GRACE", 0.0)
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice")
        plain = await crowd.stranger("plain")
        await alice.shows("is here")
        alice.say("hello")
        await plain.session.stack.ui.until(messages=1)
        plain.ask(instance="plain", name="late")  # a slow one: from now on it hears events
        await plain.welcome()
        await alice.shows("[late] is here")
        alice.say("again")
        await plain.until(lambda: "alice: again" in plain.texts)
        assert plain.session.stack.ui.messages == ["alice: hello"]
        assert len(crowd.hub.members) == 3


async def test_one_whose_join_is_late_hears_no_lines(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "GRACE", 0.0)
    async with Crowd(home, headless=True) as crowd:
        alice = await crowd.joins("alice")
        late = await crowd.stranger("late", begins=False)  # as behind a slow network
        alice.session.say("hello")
        await alice.until(lambda: "alice: hello" in alice.texts)
        await idle()
        late.ask(instance="late", name="late")
        late.session.begin()
        await late.welcome()
        alice.session.say("again")
        await late.until(lambda: "alice: again" in late.texts)
        assert late.session.stack.ui.messages == []
        assert alice.texts == ["* [alice] is here.", "alice: hello", "* [late] is here.", "alice: again"]


async def test_one_that_never_answers_is_shown_in_the_room_so_that_it_can_be_removed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "GRACE", 0.0)
    monkeypatch.setattr(members, "UNANSWERED", 0.0)
    async with Crowd(home) as crowd:
        await crowd.joins("alice")
        await crowd.stranger("mute", begins=False)
        while len(crowd.hub.members) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert sum(member.hears_events for member in crowd.hub.members.values() if member.room) == 1


async def test_a_pong_that_answers_nothing_admits_nobody(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        alice = await crowd.joins("alice")
        early = await crowd.stranger("early")
        early.session.send_item(Pong(b"answers nothing"))
        early.ask(instance="early", name="early")
        await early.welcome()
        assert alice.texts == ["* [alice] is here.", "* [early] is here."]


async def test_who_knows_no_rooms_is_shown_the_backlog_without_private_words(home: Path) -> None:
    async with Crowd(home, backlog=20, headless=True) as crowd:
        alice, bob, _ = [await crowd.joins(name) for name in ("alice", "bob", "carol")]
        alice.session.say("/msg bob for bob alone")
        alice.session.say("for all")
        await bob.until(lambda: "alice: for all" in bob.texts)
        assert [event.kind for event in bob.events[-2:]] == [Kind.TOLD, Kind.SAID]
        plain = await crowd.stranger("plain")
        plain.session.say("hi there")
        await alice.until(lambda: any("hi there" in text for text in alice.texts))
        alice.session.say("last")
        ui = plain.session.stack.ui
        await ui.until(messages=5)
        here = [f"* [{name}] is here." for name in ("alice", "bob", "carol")]
        assert ui.messages == [*here, "alice: for all", "alice: last"]


async def test_who_leaves_before_a_word_was_never_there(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        alice = await crowd.joins("alice")
        plain = await crowd.stranger("plain")
        plain.cut()
        while len(crowd.server.capacity) > 1:  # noqa: ASYNC110
            await asyncio.sleep(0)
        alice.session.say("anybody?")
        await alice.until(lambda: "alice: anybody?" in alice.texts)
        assert alice.texts == ["* [alice] is here.", "alice: anybody?"]


def guest_of(profile: str) -> Stack:
    registry = Registry()
    chosen = choose_named(registry.profile(profile).layers, registry.layer)
    return Stack.build({**chosen, "transport": [Memory], "ui": [RecordingUi]}, {})


async def guest(profile: str, place: str) -> DirectChat:
    stack = guest_of(profile)
    session = DirectChat(Connection(stack, await stack.transport.connect(place, 0), Role.INITIATOR, limits=PATIENT))
    await session.open()
    session.begin()
    return session


@pytest.mark.parametrize(
    ("profile", "marks"), [("demo01", "not authenticated, not encrypted"), ("secure-chat", "not authenticated")]
)
async def test_guests_of_existing_chats_are_marked_for_everyone_to_see(home: Path, profile: str, marks: str) -> None:
    place = ListenAddress(guest_of(profile), f"{home}/guests", 0)
    async with Crowd(home, guests=[place]) as crowd:
        alice = await crowd.comes("alice")
        other = await guest(profile, place.host)
        other.say("hello")
        line = await alice.shows("hello")
        name, _, rest = line.partition(" ")
        assert rest == f"[{marks}]: hello"
        assert (await crowd.ui.shows("hello")) == line
        assert next(event.sender.marks for event in alice.ui.happened if isinstance(event, Message)) == tuple(marks.split(", "))
        alice.say("welcome")
        await other.stack.ui.until(messages=1)
        assert other.stack.ui.messages == ["alice: welcome"]
        other.say("/keep")
        await other.stack.ui.until(messages=2)
        assert "your connection shows none" in other.stack.ui.messages[1]
        assert f"{name} was" not in line
        other.exit()
        await other.over()
        await alice.shows(f"[{name}] [{marks}] has left")


async def test_who_is_sent_away_is_told_once(home: Path) -> None:
    guests = ListenAddress(guest_of("demo01"), f"{home}/guests", 0)
    async with Crowd(home, guests=[guests]) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.comes("bob")
        visitor = await guest("demo01", guests.host)
        visitor.say("hello")
        name = (await bob.shows("hello")).split(" ")[0]
        crowd.local_member.say(f"/kick {name} be nice")
        await visitor.over()
        assert visitor.stack.ui.messages[-1] == "* You were removed from the server by server: be nice."
        crowd.local_member.say("/kick alice be nice")
        ending = await alice.session.over()
        assert ending.reason == "You were removed from the server by server: be nice."
        assert not [one for one in alice.told if one["do"] == "tell"]


async def test_two_guests_hear_each_other_s_words_as_they_were_said(home: Path) -> None:
    place = ListenAddress(guest_of("demo01"), f"{home}/guests", 0)
    async with Crowd(home, headless=True, guests=[place]) as crowd:
        one, other = await guest("demo01", place.host), await guest("demo01", place.host)
        while len(crowd.hub.first) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        one.say("Grüße: \tyou")
        heard = other.stack.ui.messages
        while not any("you" in line for line in heard):  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert heard[-1].partition(" ")[2] == "[not authenticated, not encrypted]: Grüße:  you"
        one.exit()
        other.exit()
        await asyncio.gather(one.over(), other.over())


class Raw:
    """Keeps what it hears as it comes."""

    raw = True

    def __init__(self, received: list[str]) -> None:
        self.message = received.append

    def notice(self, sentence: str) -> None:
        """Nothing."""


@pytest.mark.parametrize("esc", ["\x1b[2J", "\x1b]0;owned\x07", "\x9b2J", "\r", "\n", "\x08", "\u202e"])
@pytest.mark.parametrize("headless", [True, False], ids=["two", "three"])
async def test_what_reaches_a_guest_is_clean_however_many_are_there(home: Path, esc: str, headless: bool) -> None:
    place = ListenAddress(guest_of("demo01"), f"{home}/guests", 0)
    async with Crowd(home, headless=headless, guests=[place]) as crowd:
        alice, other = await crowd.comes("alice"), await guest("demo01", place.host)
        heard: list[str] = []
        other.heard_by(Raw(heard))
        while len(crowd.hub.first) < 3 - headless:  # noqa: ASYNC110
            await asyncio.sleep(0)
        alice.say(f"hello{esc}there", f"/me waves{esc}!", f"/topic tea{esc}four")
        while not any("four" in line for line in heard):  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert all(line.isprintable() for line in heard), heard
        assert sum("there" in line or "waves" in line for line in heard) == 2
        other.say("it is me")
        assert "[not authenticated, not encrypted]" in await alice.shows("it is me")
        other.exit()
        await other.over()


async def test_a_guest_sees_what_is_said_and_done_otherwise_than_what_the_server_reports(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        mallory = await crowd.joins("mallory")
        plain = await crowd.stranger("plain")
        plain.session.say("hi")
        await mallory.until(lambda: mallory.texts and mallory.texts[-1].endswith("hi"))
        for text in ("* [bob] is here.", " * [bob] is here.", "/me has left.", "/name mallet", "hello"):
            mallory.session.say(text)
        ui = plain.session.stack.ui
        assert isinstance(ui, RecordingUi)
        await ui.until(messages=5)
        assert ui.messages == [
            "mallory: * [bob] is here.",
            "mallory:  * [bob] is here.",
            "* mallory has left.",
            "* [mallory] is now [mallet].",
            "mallet: hello",
        ]


async def test_the_longest_message_reaches_a_guest_though_a_name_stands_before_it(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        alice = await crowd.joins("alice")
        plain = await crowd.stranger("plain")
        plain.session.say("hi")
        await alice.until(lambda: alice.texts and alice.texts[-1].endswith("hi"))
        for character in ("x", "é", "你"):
            alice.session.say(character * (DEFAULT_LIMITS.message // len(character.encode())))
        ui = plain.session.stack.ui
        assert isinstance(ui, RecordingUi)
        await ui.until(messages=3)
        for line, character in zip(ui.messages, ("x", "é", "你"), strict=True):
            assert DEFAULT_LIMITS.message - 3 < len(line.encode()) <= DEFAULT_LIMITS.message
            assert set(line.removeprefix("alice: ")) == {character}


async def test_blank_lines_are_for_nobody_and_count_as_taken(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        for text in ("", " ", "\t \u3000", "something"):
            alice.session.send_item(text)
        await bob.until(lambda: "alice: something" in bob.texts)
        assert [event.text for event in bob.events if event.kind == 1] == ["something"]
        assert next(one.taken for one in crowd.hub.members.values() if one.name == "alice") == 4


async def test_the_end_of_one_is_nobody_else_s(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.comes("bob")
        alice.session.send_packed([b"no record at all"])
        await bob.shows("[alice] has left: the connection was cut.")
        await crowd.ui.shows("A record of 16 bytes came")
        assert (await alice.session.over()).by is not EndedBy.US
        bob.say("still here")
        await crowd.ui.shows("still here")
