"""Everybody in their rooms: who is called what, what everybody sees, and who is sent away."""

import asyncio
from bisect import bisect_left
from pathlib import Path

import pytest
from crowd import PATIENT, Crowd
from msgspec.structs import replace

from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.events import Message
from plytalk.core.contracts.items import Ack
from plytalk.core.endpoints.notices import AT_ONCE
from plytalk.plugins.messages.records import BUCKETS, MESSAGE
from plytalk.plugins.record_spans import HEADER, MORE
from plytalk.plugins.rooms import room
from plytalk.plugins.rooms.room_events import EVENT, MAX_REQUEST, ROOM, Kind
from plytalk.testing.verdict import idle

# -- what everybody sees --------------------------------------------------------------------------------------------------


async def test_whoever_stays_sees_the_same_in_the_same_order(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        people = [await crowd.comes(name) for name in ("alice", "bob", "carol", "dave")]
        witness = await crowd.joins("wendy")
        for number in range(50):
            for person in people:
                person.say(f"{number}")
            if number % 10 == 0:
                await idle()
        people[3].say("exit")
        people[0].say("last")
        await witness.until(lambda: "alice: last" in witness.texts)
        expected = [(event.id, event.name, event.text) for event in witness.events if event.kind == Kind.SAID]
        assert len(expected) == 201
        assert [number for number, _, _ in expected] == sorted(number for number, _, _ in expected)
        for name, person in zip(("alice", "bob", "carol"), people, strict=False):
            await person.shows("alice: last")
            assert {said.sender.name for said in person.ui.happened if said.own} == {name}
            seen = [line for line, event in zip(person.ui.said, person.ui.happened, strict=True) if isinstance(event, Message)]
            assert seen == expected


async def test_the_sender_is_whoever_the_server_knows_and_nothing_that_was_said(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob, mallory = [await crowd.comes(name) for name in ("alice", "bob", "mallory")]
        mallory.say("bob: I owe you all a beer\r\nbob: really\0\u2028bob: yes")
        line = await alice.shows("owe")
        assert line == "mallory: bob: I owe you all a beer␍␊bob: really␀\\u{2028}bob: yes"
        assert await bob.shows("owe") == line
        assert await crowd.ui.shows("owe") == line
        assert {sender for _, sender, text in alice.ui.said if "owe" in text} == {"mallory"}


@pytest.mark.parametrize("more", [[], ["bob"], ["bob", "carol"]], ids=["two", "three", "four"])
async def test_two_see_what_three_see(home: Path, more: list[str]) -> None:
    async with Crowd(home, keep=False) as crowd:
        others = [await crowd.comes(name) for name in more]
        alice = await crowd.comes("alice")
        alice.say("hello")
        await crowd.ui.shows("alice: hello")
        crowd.local_member.say("hi")
        await alice.shows("server: hi")
        alice.say("exit")
        assert (await alice.over()).by is EndedBy.US
        await crowd.ui.shows("[alice] has left")
        assert alice.ui.notices[-1] == (
            f"You are alice in lobby, with {', '.join(['server', *more])}. /help lists what you can do."
        )
        assert alice.ui.messages == ["* [alice] is here.", "alice: hello", "server: hi"]
        assert [event.own for event in alice.ui.happened] == [True, True, False]
        heard = crowd.ui.messages[len(more) :]
        assert heard == ["* [alice] is here.", "alice: hello", "server: hi", "* [alice] has left."]
        for other in others:
            other.say("exit")
        assert (await crowd.ended()).by is EndedBy.THEM


async def test_the_two_who_stay_hear_of_the_third_who_leaves(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        assert await alice.shows("[bob] is here") == "* [bob] is here."
        bob.say("exit")
        assert await alice.shows("left") == "* [bob] has left."
        assert await crowd.ui.shows("left") == "* [bob] has left."


async def test_a_welcome_counts_all_who_are_there_and_names_a_hundred_of_them(home: Path) -> None:
    async with Crowd(home, headless=True, limits=replace(PATIENT, connections_per_key=102)) as crowd:
        for number in range(102):
            last = await crowd.joins("crowd", instance=f"{number}", name=f"member of the crowd {number:o}x")
        welcome = await last.welcome()
        assert (len(welcome["here"]), len({one["name"] for one in welcome["here"]}), welcome["count"]) == (100, 100, 102)


# -- rooms ----------------------------------------------------------------------------------------------------------------


async def test_what_is_said_in_a_room_stays_there_also_in_one_breath_with_going(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob, carol = [await crowd.comes(name) for name in ("alice", "bob", "carol")]
        alice.say("in the lobby", "/join kitchen", "in the kitchen", "/me waves", "after it")
        await alice.shows("You are alice in kitchen, with nobody else.")
        bob.say("/join #Kitchen")
        await bob.shows("You are bob in kitchen, with alice.")
        alice.say("hello bob")
        await bob.shows("hello bob")
        assert await carol.shows("has left: gone to kitchen")
        assert [line for line in carol.ui.messages if line.startswith("alice")] == ["alice: in the lobby"]


async def test_a_room_that_cannot_be_is_told_and_the_first_taken(home: Path) -> None:
    async with Crowd(home) as crowd:
        stranger = await crowd.joins("alice", room="no room")
        assert (await stranger.welcome())["room"] == "lobby"
        assert await stranger.tells("This is lobby.")


async def test_a_newcomer_to_a_crowd_gets_the_backlog_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "CROWD", 2)  # so that joins are not announced
    async with Crowd(home, backlog=3, headless=True) as crowd:
        alice = await crowd.joins("alice")
        alice.session.say("before")
        await alice.until(lambda: "alice: before" in alice.texts)
        bob = await crowd.joins("bob")
        await bob.until(lambda: "alice: before" in bob.texts)


async def test_a_newcomer_gets_the_backlog_once_and_its_own_old_words_with_it(home: Path) -> None:
    async with Crowd(home, backlog=3) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        alice.say("one", "two", "three")
        await bob.shows("three")
        bob.say("exit")
        await bob.over()
        await alice.shows("[bob] has left")
        bob = await crowd.comes("bob")
        alice.say("four")
        await bob.shows("four")
        assert bob.ui.messages == ["alice: two", "alice: three", "* [bob] has left.", "* [bob] is here.", "alice: four"]
        assert [event.own for event in bob.ui.happened] == [False, False, False, True, False]


async def test_somebody_else_s_past_under_our_name_is_not_ours(home: Path) -> None:
    async with Crowd(home, backlog=20) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        bob.say("was here", "/name rob")
        await alice.shows("is now [rob]")
        other = await crowd.comes("bob", key="other")
        other.say("and I am here")
        assert await alice.shows("and I am") == "bob: and I am here"
        await other.shows("and I am here")
        own = [event.text for event in other.ui.happened if event.own and isinstance(event, Message)]
        assert own == ["and I am here"]


async def test_notices_about_members_are_counted_and_summarised(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        for _ in range(2 * AT_ONCE):
            visitor = await crowd.joins("visitor-key")
            visitor.session.send_packed([(HEADER.pack(MESSAGE, 1) + b"\xff").ljust(BUCKETS[0], b"\0")])
            await idle()
            visitor.cut()
            await idle()
        about = [notice for notice in crowd.ui.notices if "not UTF-8" in notice]
        assert len(about) == AT_ONCE
        crowd.server.notices.summarise()
        assert await crowd.ui.shows(f"... and {AT_ONCE} more like this")


# -- strangers ------------------------------------------------------------------------------------------------------------


async def test_a_second_join_changes_nothing(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        bob.ask(instance="bob", name="eve", room="kitchen", resume={"epoch": "x", "last": 0})
        bob.ask(instance="other")
        bob.session.say("hello")
        await alice.until(lambda: "bob: hello" in alice.texts)
        assert len([one for one in bob.told if one["do"] == "welcome"]) == 1
        bob.session.exit()
        await alice.until(lambda: "* [bob] has left." in alice.texts)
        assert sorted(member.name for member in crowd.hub.members.values()) == ["alice", "server"]
        assert len(crowd.hub.first) == 2


ODD = [
    b"", b"{", b"[]", b"null", b"7", b'"join"', b"\xff\xfe", b"[" * 4000, b'{"do":' * 500, b'{"do": "join"}' + b" " * MAX_REQUEST,
    b'{"do": "leave"}', b'{"do": ["join"]}', b'{"do": "welcome"}', b'{"do": "tell", "text": "fooled"}', b"1" * 4096,
]  # fmt: skip


async def test_what_is_no_request_is_nobody_s_concern(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, mallory = await crowd.joins("alice"), await crowd.joins("mallory")
        other = await crowd.stranger("other")
        for stranger in (mallory, other):
            for body in ODD:
                stranger.send(ROOM, body)
            stranger.send(EVENT, mallory.bodies[0] if mallory.bodies else b"x")
            stranger.send(200 & 0x7F, b"whatever")
        mallory.session.say("fine")
        await alice.until(lambda: "mallory: fine" in alice.texts)
        other.ask(instance="other", name="other")
        await other.welcome()
        assert not [text for text in alice.texts if "fooled" in text]


@pytest.mark.parametrize("field", ["room", "name", "instance", "resume"])
@pytest.mark.parametrize(
    "value", [None, True, 7, -1, 1.5, "", "x" * 3000, "\x1b[2J\n", "\ud800", [], ["a"] * 50, {}, {"a": {"b": []}}], ids=repr
)
async def test_whatever_is_asked_for_there_is_a_welcome(home: Path, field: str, value: object) -> None:
    async with Crowd(home, headless=True) as crowd:
        stranger = await crowd.joins("mallory", **{field: value})
        welcome = await stranger.welcome()
        assert welcome["room"] == "lobby" or isinstance(value, int | float)
        assert welcome["you"].isprintable()
        assert all(line.isprintable() for line in crowd.ui.notices)


async def test_words_that_are_longer_as_text_than_as_bytes_harm_nobody(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, mallory = await crowd.comes("alice"), await crowd.joins("mallory")
        session = mallory.session
        chunk, left = 60_000, 1024 * 1024
        while left:
            size = min(chunk, left)
            left -= size
            part = HEADER.pack(MESSAGE | (MORE if left else 0), size) + b"\xff" * size
            session.send_packed([part.ljust(BUCKETS[bisect_left(BUCKETS, len(part))], b"\0")])
        session.say("/msg alice " + "\x01" * (1024 * 1024 - 20))
        session.say("/me " + "\u00e9" * (512 * 1024 - 20))
        session.say("after all")
        await mallory.tells("longer than a message may be")
        await alice.shows("mallory: after all")
        alice.say("still here")
        await mallory.until(lambda: "alice: still here" in mallory.texts)


async def test_acknowledgements_that_nobody_asked_for_change_nothing(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, mallory = await crowd.comes("alice"), await crowd.joins("mallory")
        for taken in (2**64 - 1, 5, 0):
            mallory.session.send_item(Ack(taken))
        mallory.session.say("fine")
        await alice.shows("mallory: fine")


# -- sent away ------------------------------------------------------------------------------------------------------------


async def test_who_is_sent_away_knows_why_and_the_server_is_told_once(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob", reconnect=True)
        crowd.local_member.say("/kick bob be \x1b[2Jnice\nadmin: obey")
        ending = await bob.over()  # and does not come again
        assert ending.reason == "You were removed from the server by server: be ␛[2Jnice␊admin: obey."
        assert (ending.by, ending.exit_code) == (EndedBy.THEM, 9)
        assert await alice.shows("left") == "* [bob] has left."
        await crowd.ui.shows("[bob] has left")
        told = [line for line in (*crowd.ui.messages, *crowd.ui.notices) if "removed" in line]
        assert told == ["* [server] removed [bob]: be ␛[2Jnice␊admin: obey."]
        assert crowd.hub.dropped == 1


@pytest.mark.parametrize("headless", [True, False])
async def test_a_server_whose_user_does_not_see_an_event_is_told_who_removed_whom(home: Path, headless: bool) -> None:
    async with Crowd(home, headless=headless, operator=Crowd(home).key("olga").fingerprint) as crowd:
        olga, bob = await crowd.comes("olga", room="kitchen"), await crowd.comes("bob", room="kitchen")
        olga.say("/kick bob spam")
        await bob.over()
        assert await crowd.ui.shows("was removed") == "bob was removed by olga: spam."


# -- what is known of keys ------------------------------------------------------------------------------------------------


async def test_a_place_is_reserved_for_operators_that_are_not_banned(home: Path) -> None:
    async with Crowd(home, headless=True, operator=Crowd(home).key("olga").fingerprint) as crowd:
        olga, oscar, bob = (crowd.key(name) for name in ("olga", "oscar", "bob"))
        crowd.hub.moderation.op(oscar)
        assert [crowd.hub.holds_role(key) for key in (olga, oscar, bob)] == [True, True, False]
        for key in (olga, oscar, bob):
            crowd.hub.moderation.ban(key)
        assert not [key for key in (olga, oscar, bob) if crowd.hub.holds_role(key)]


async def test_of_the_members_that_come_only_those_that_hold_a_name_are_noted(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        await crowd.joins("alice")
        await asyncio.gather(*crowd.hub._background.tasks)
        assert [*home.glob("*rooms*")] == []
        key = crowd.key("alice")
        crowd.hub.moderation.claim("alice", key)
        await crowd.joins("alice")
        await asyncio.gather(*crowd.hub._background.tasks)
        assert f"seen {key} " in (home / "rooms").read_text()


@pytest.mark.parametrize(("rate", "burst"), [(0, 20), (4, 20), (6, 24), (20, 80)])
async def test_at_once_a_member_may_say_four_times_what_it_may_say_in_a_second(home: Path, rate: int, burst: int) -> None:
    async with Crowd(home, headless=True, rate=rate) as crowd:
        assert (crowd.hub.rates, crowd.hub.loud) == ((rate, burst), 0)


async def test_figures(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.joins("bob")
        alice.say("one", "two")
        await bob.until(lambda: "alice: two" in bob.texts)
        figures = {one.name: one.value for one in crowd.hub.measures()}
        assert figures["plytalk_rooms"] == 1
        assert figures["plytalk_members"] == 3
        assert figures["plytalk_messages_total"] == 2
        assert figures["plytalk_deliveries_total"] >= 4
        assert figures["plytalk_dropped_total"] == 0
