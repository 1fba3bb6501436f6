"""The door to the rooms: its options, how it hears of servers and clients, and coming back."""

import asyncio
from pathlib import Path

import pytest
from crowd import Crowd, Person

from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.events import Message
from plytalk.core.contracts.handler import GroupFeature
from plytalk.core.contracts.peers import Role
from plytalk.plugins.features.rooms import Rooms, layers
from plytalk.plugins.rooms import reconnecting
from plytalk.plugins.rooms.member_names import BadName
from plytalk.plugins.rooms.moderation import Moderation
from plytalk.plugins.rooms.room_chat import RoomChat
from plytalk.testing import check_layer, open_ends, stack_of
from plytalk.testing.verdict import idle, within


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Rooms]
    check_layer(Rooms)
    assert isinstance(Rooms(), GroupFeature)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"backlog": -1}, "numbers from 0 on"),
        ({"rate": -1}, "numbers from 0 on"),
        ({"operator": "alice"}, "is not an operator's key"),
        ({"operator": "SHA256:short"}, "is not an operator's key"),
        ({"room": "no room"}, "cannot be the name of a room"),
        ({"no_files": True, "yes": True}, "--no-files receives no file"),
        ({"no_files": True, "into": Path("x")}, "--no-files receives no file"),
        ({"into": Path("a" * 300)}, "is not a folder"),  # which the system does not even look for
    ],
)
def test_options_that_cannot_be(options: dict, sentence: str) -> None:
    with pytest.raises(Usage, match=sentence):
        Rooms(**options)


async def test_a_name_at_the_server_is_looked_at_before_anybody_comes() -> None:
    with pytest.raises(BadName):
        await Rooms(name="admin").ready(Role.RESPONDER, str)
    assert await Rooms(name="admin").ready(Role.INITIATOR, str) == ()  # the server will say


async def test_people_meet_in_the_room_that_the_server_chose_or_in_another(home: Path) -> None:
    async with Crowd(home, room="#Parlour") as crowd:
        alice = await crowd.joins("alice")
        assert (await alice.welcome())["room"] == "parlour"
        bob = await crowd.comes("bob", room="kitchen")
        carol = await crowd.comes("carol", room="kitchen")
        bob.say("hello kitchen")
        await carol.shows("hello kitchen")
        alice.session.say("hello parlour")
        await crowd.ui.shows("hello parlour")
        assert not [line for line in (*crowd.ui.messages, *alice.texts) if "kitchen" in line]


async def test_who_may_what_is_read_anew_without_dropping_anybody(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        Moderation(home / "rooms").op(crowd.key("alice"))
        alice.say("/kick bob")
        await alice.shows("/kick is for operators.")
        crowd.server.reread()
        assert await crowd.ui.shows("Reloaded") == f"Reloaded operators, bans and mutes from {home / 'rooms'}."
        (home / "rooms").write_text("damaged\n")
        crowd.server.reread()
        await crowd.ui.shows("Nothing was changed.")
        alice.say("/kick bob")
        assert (await bob.over()).by is EndedBy.THEM
        assert not alice.task.done()


async def test_where_messages_carry_no_rooms_nothing_is_asked() -> None:
    async with open_ends(stack_of(Rooms), stack_of()) as (client, server):
        chat = RoomChat(client.session.connection)
        room_client = client.session.stack.features[0].begin(chat, None, None)  # type: ignore[attr-defined]
        room_client._join(chat)
        room_client.say("hello")
        assert await server.hears() == ["hello"]


async def test_before_it_serves_it_has_no_figures_and_reads_nothing() -> None:
    assert (Rooms().measures(), Rooms().reread()) == ((), ())


# -- coming back ----------------------------------------------------------------------------------------------------------


async def cut(crowd: Crowd, name: str) -> None:
    next(one for one in crowd.hub.members.values() if one.name == name).session.stream.close()


async def back(person: Person, crowd: Crowd, count: int) -> None:
    async def wait() -> None:
        while len(crowd.hub.first.event_members) != count:
            await idle()

    await within(wait(), f"{person.ui.notices}")


async def test_after_a_cut_nothing_is_missing_and_nothing_is_there_twice(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnecting, "WAITS", (0,))
    async with Crowd(home, headless=True) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob", reconnect=True)
        witness = await crowd.joins("wendy")
        for number in range(10):
            alice.say(f"a{number}")
            bob.say(f"b{number}")
            await witness.until(lambda number=number: f"alice: a{number}" in witness.texts)
            session = bob.session
            await cut(crowd, "bob")
            alice.say(f"away {number}")
            while bob.chat in (session, None):  # noqa: ASYNC110
                await asyncio.sleep(0)
        bob.say("the end")
        await witness.until(lambda: "bob: the end" in witness.texts)
        said = [text for text in witness.texts if text.startswith("bob: ")]
        assert said == [*(f"bob: b{number}" for number in range(10)), "bob: the end"]
        await bob.shows("alice: away 9")
        lines = [
            (id, text)
            for (id, sender, text), event in zip(bob.ui.said, bob.ui.happened, strict=True)
            if sender == "alice" and isinstance(event, Message)
        ]
        expected = [(event.id, event.text) for event in witness.events if event.name == "alice" and event.kind == 1]
        assert lines == expected


async def test_who_was_sent_away_does_not_come_back(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnecting, "WAITS", (0,))
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob", reconnect=True)
        crowd.local_member.say("/kick bob")
        await bob.over()
        await crowd.ui.until(over=True)
        assert crowd.hub.dropped == 1


async def test_what_it_tells_of_members_goes_through_the_server_s_notices(home: Path) -> None:
    stack, told = stack_of(Rooms), []
    (feature,) = stack.features
    feature.server_opened(stack=stack, end=told.append, notice=told.append)
    feature._hub.notice("erin was removed.")
    assert told == ["erin was removed."]
    assert stack.ui.notices == []
    await feature.release()
