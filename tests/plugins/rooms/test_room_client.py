"""A client's side of a room: what it asks, what it shows, what it says again after a cut; and servers that say anything."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from crowd import PATIENT, Crowd, Person, Screen, client_of, stack_of
from meeting import End, Meeting, end
from msgspec.structs import replace

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import BrokenPlugin, NotDone, Refused, Truncated
from plytalk.core.contracts.events import Event, Open
from plytalk.core.contracts.items import Ack, Extension, Pong
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.public_key import fingerprint_of
from plytalk.core.contracts.ui import Conversation
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.plugins.features.rooms import Rooms
from plytalk.plugins.rooms.reconnecting import Reconnecting
from plytalk.plugins.rooms.room_chat import READ_SO_FAR, RoomChat
from plytalk.plugins.rooms.room_client import RoomClient
from plytalk.plugins.rooms.room_events import EVENT, ROOM, Kind, RoomEvent, read
from plytalk.plugins.transports.memory import Memory
from plytalk.testing.verdict import idle, within

WELCOME = {"do": "welcome", "room": "lobby", "epoch": "e", "you": "alice", "next": 1, "now": 1, "taken": 0, "count": 3,
           "here": [{"name": "bob"}, {"name": "carol"}], "why": "", "missed": False, "topic": ""}  # fmt: skip


class Server:
    """The server's side of a meeting, by hand: `asked` are the requests, `heard` the words that came."""

    def __init__(self, session: DirectChat, screen: Screen) -> None:
        self.session, self.screen = session, screen
        self.asked: list[dict] = []
        session.extend(ROOM, lambda body: self.asked.append(read(body)))
        # no pong: one without a welcome says that there are no rooms
        session.connection.limits = replace(session.limits, unread=-1)

    @property
    def heard(self) -> list[str]:
        return self.screen.messages

    def tells(self, **said: object) -> None:
        self.session.send_item(Extension(ROOM, json.dumps(said).encode()))

    def welcomes(self, **said: object) -> None:
        self.tells(**{**WELCOME, **said})

    def happens(self, id: int, text: str, name: str = "bob", kind: int = Kind.SAID, marks: int = 0, key: bytes = b"") -> None:
        self.session.send_item(Extension(EVENT, RoomEvent(id, 7, kind, marks, name, text, key).encode()))


@pytest.fixture
def ends(tmp_path: Path):
    async def made() -> tuple[End, End]:
        return (
            await end(Role.INITIATOR, tmp_path / "a", person=Screen()),  # type: ignore[arg-type]
            await end(Role.RESPONDER, tmp_path / "b", person=Screen()),  # type: ignore[arg-type]
        )

    return made


Screen.says, Screen.thinks = "", 0.0  # what a meeting asks of its people


async def never(*arguments: object) -> None:
    raise AssertionError("the test connects by hand")


@asynccontextmanager
async def visiting(room_client: RoomClient, ends: tuple[End, End]) -> AsyncIterator[tuple[RoomChat, Server]]:
    """One connection of a visit; it is cut when the block ends."""
    ends[1].person.messages.clear()
    async with Meeting(*ends, make_chat=RoomChat) as meeting:
        assert meeting.outcomes == (None, None)
        if not hasattr(room_client, "stack"):
            room_client.begin(meeting.client, never, never)  # type: ignore[arg-type]
        room_client._join(meeting.client)  # type: ignore[arg-type]
        yield meeting.client, Server(meeting.server, ends[1].person)  # type: ignore[arg-type]
        await idle()


async def test_it_asks_to_join_by_the_name_and_in_the_room_that_were_chosen(ends) -> None:
    for room_client, wanted in ((RoomClient(), {}), (RoomClient("kitchen", "alice"), {"room": "kitchen", "name": "alice"})):
        async with visiting(room_client, await ends()) as (_, server):
            await idle()
            (request,) = server.asked
            assert len(request.pop("instance")) == 16
            assert request == {"do": "join", **wanted}


async def test_where_others_are_it_says_where_it_came_to(ends) -> None:
    client, server_end = await ends()
    async with visiting(RoomClient(), (client, server_end)) as (_, server):
        server.welcomes(count=200, here=[{"name": f"m{number}"} for number in range(100)], topic="tea")
        await idle()
        assert client.person.notices[0].endswith("m98, m99, 99 more. /help lists what you can do.")
        assert client.person.notices[1] == "The topic is: tea"


async def test_events_are_shown_once_and_its_own_are_marked(ends) -> None:
    client, server_end = await ends()
    async with visiting(RoomClient(), (client, server_end)) as (_, server):
        server.welcomes(next=5, now=7)
        server.happens(4, "from before")
        server.happens(5, "from the backlog", "alice")
        server.happens(5, "twice")
        server.happens(7, "mine", "alice")
        server.happens(8, "al", "alice", Kind.RENAMED)
        server.happens(9, "mine, too", "al")
        server.happens(10, "another member's", "alice")
        await idle()
        assert [(event.id, event.own, event.replayed) for event in client.person.happened] == [
            ("lobby/5", False, True), ("lobby/7", True, False), ("lobby/8", True, False), ("lobby/9", True, False),
            ("lobby/10", False, False),
        ]  # fmt: skip


@pytest.mark.parametrize("field", ["room", "you", "epoch"])
async def test_a_welcome_with_an_overlong_name_ends_the_connection_and_is_not_kept(ends, field: str) -> None:
    client, server_end = await ends()
    async with visiting(RoomClient(), (client, server_end)) as (session, server):
        server.welcomes(**{field: "x" * 256})
        await idle()
        assert session.ending is not None
        assert session.ending.reason.startswith("The server's welcome has a name of more than 255 characters.")
        assert not client.person.notices


async def test_whose_name_was_taken_during_a_cut_is_told_its_new_one(ends) -> None:
    room_client, both = RoomClient(), await ends()
    async with visiting(room_client, both) as (_, server):
        server.welcomes()
        await idle()
    async with visiting(room_client, both) as (_, server):
        server.welcomes(you="alice-2", why="The name 'alice' is taken. You are alice-2.")
        await idle()
        assert both[0].person.notices[-2] == "The name 'alice' is taken. You are alice-2."
        assert both[0].person.notices[-1].startswith("You are alice-2 in lobby, ")
        told = len(both[0].person.notices)
    async with visiting(room_client, both) as (_, server):
        server.welcomes(you="alice-2")
        await idle()
        assert len(both[0].person.notices) == told, "it is the same as before"


@pytest.mark.parametrize(("epoch", "why"), [("e", "You were away too long: "), ("another", "The server was restarted: ")])
async def test_why_something_is_missing_is_told(ends, epoch: str, why: str) -> None:
    room_client, both = RoomClient(), await ends()
    async with visiting(room_client, both) as (_, server):
        server.welcomes()
        await idle()
    async with visiting(room_client, both) as (_, server):
        server.welcomes(epoch=epoch, missed=True)
        await idle()
        assert f"{why}some of what was said meanwhile is missing here." in both[0].person.notices


async def test_what_was_missed_is_ones_own_by_the_name_of_that_time_and_by_key(ends) -> None:
    room_client, both = RoomClient(), await ends()
    mine, other = bytes(32), b"o" * 32
    async with visiting(room_client, both) as (_, server):
        server.welcomes(key=fingerprint_of(mine))
        await idle()
    async with visiting(room_client, both) as (_, server):
        server.welcomes(key=fingerprint_of(mine), you="alice-2", next=1, now=5)
        server.happens(1, "took it just before the cut", "alice", key=mine)
        server.happens(2, "", "alice", Kind.LEFT, key=mine)
        server.happens(3, "has the name now", "alice", key=other)
        server.happens(5, "is back", "alice-2", key=mine)
        await idle()
        assert [event.own for event in both[0].person.happened] == [True, True, False, True]


async def test_a_name_that_was_changed_just_before_a_cut_is_not_kept_after_it(ends) -> None:
    room_client, both = RoomClient(), await ends()
    async with visiting(room_client, both) as (_, server):
        server.welcomes()
        await idle()
    async with visiting(room_client, both) as (_, server):
        server.welcomes(next=1, now=5)
        server.happens(1, "al", "alice", Kind.RENAMED)
        server.happens(2, "under the new name", "al")
        server.happens(5, "is back under the old one", "alice")
        await idle()
        assert [event.own for event in both[0].person.happened] == [True, True, True]
        assert room_client.name == "alice"


async def test_what_was_not_taken_is_said_again_once_and_before_what_is_said_now(ends) -> None:
    room_client, both = RoomClient(), await ends()
    async with visiting(room_client, both) as (_, server):
        server.welcomes()
        for number in range(5):
            room_client.say(f"line {number}")
        await idle()
        server.session.send_item(Ack(2))
        server.happens(3, "hi")
        await idle()
    async with visiting(room_client, both) as (_, server):
        room_client.say("while away")
        await idle()
        assert server.asked[0]["resume"] == {"epoch": "e", "last": 3}
        assert server.asked[0]["name"] == "alice"
        assert server.heard == []
        server.welcomes(taken=3, next=4, now=9)
        await idle()
        assert server.heard == ["line 3", "line 4", "while away"]
        room_client.say("after")
        await idle()
        server.session.send_item(Ack(5))
        await idle()
    async with visiting(room_client, both) as (_, server):
        server.welcomes(taken=6)
        await idle()
        assert server.heard == ["after"]
    assert [notice for notice in both[0].person.notices if "missing" in notice or "restarted" in notice] == []


async def test_what_was_said_before_the_first_welcome_is_not_lost_either(ends) -> None:
    room_client, both = RoomClient(), await ends()
    async with visiting(room_client, both) as (_, server):
        room_client.say("early")
        room_client.say("words")
        await idle()
        assert server.heard == ["early", "words"]
    async with visiting(room_client, both) as (_, server):
        await idle()
        assert server.asked[0]["resume"] == {"epoch": "", "last": 0}
        server.welcomes(taken=1, missed=True)
        await idle()
        assert server.heard == ["words"]
    assert not [notice for notice in both[0].person.notices if "missing" in notice]


async def test_a_return_to_a_server_without_rooms_does_not_wait_for_a_welcome(ends) -> None:
    room_client, both = RoomClient(), await ends()
    async with visiting(room_client, both) as (_, _):
        room_client.say("lost")
        await idle()
    async with Meeting(*both, make_chat=RoomChat) as meeting:
        both[1].person.messages.clear()
        if not hasattr(room_client, "stack"):
            room_client.begin(meeting.client, never, never)  # type: ignore[arg-type]
        room_client._join(meeting.client)  # type: ignore[arg-type]
        room_client.say("while away")
        await idle()
        room_client.say("after")
        await idle()
        assert both[1].person.messages == ["while away", "after"]
        room_client.exit()
        await idle()
        assert meeting.client.ending
    assert "This server has no rooms: your last line may not have arrived." in both[0].person.notices


async def test_a_welcome_before_the_pong_is_a_return_to_a_room(ends) -> None:
    room_client, both = RoomClient(), await ends()
    async with visiting(room_client, both) as (_, server):
        server.welcomes()
        room_client.say("said")
        await idle()
    async with visiting(room_client, both) as (_, server):
        server.welcomes(taken=0, next=4, now=9)
        server.session.send_item(Pong(READ_SO_FAR))
        await idle()
        assert server.heard == ["said"]


async def test_a_server_that_was_started_anew_is_said_with_what_may_be_lost(ends) -> None:
    room_client, both = RoomClient(), await ends()
    async with visiting(room_client, both) as (_, server):
        server.welcomes()
        room_client.say("lost")
        await idle()
    async with visiting(room_client, both) as (_, server):
        room_client.say("first of the new")
        server.welcomes(epoch="other", missed=True)
        await idle()
        assert server.heard == ["first of the new"]
        room_client.say("second")
        server.session.send_item(Ack(1))
        await idle()
    assert "The server was restarted: your last line may not have arrived." in both[0].person.notices
    assert [notice for notice in both[0].person.notices if "is missing here" in notice]
    async with visiting(room_client, both) as (_, server):
        server.welcomes(epoch="other", taken=1)
        await idle()
        assert server.heard == ["second"]


async def test_what_a_server_took_and_told_nobody_before_it_ended_is_said_as_well(ends) -> None:
    room_client, both = RoomClient(), await ends()
    async with visiting(room_client, both) as (_, server):
        server.welcomes()
        room_client.say("heard")
        room_client.say("taken")
        room_client.say("/who")
        server.happens(1, "heard", "alice")
        await idle()
    async with visiting(room_client, both) as (_, server):
        server.welcomes(taken=3)
        await idle()
        assert server.heard == []
    async with visiting(room_client, both) as (_, server):
        server.welcomes(epoch="other", missed=True)
        await idle()
        assert server.heard == []
    assert "The server was restarted: your last line may not have arrived." in both[0].person.notices


async def test_a_server_that_forgot_how_much_was_said_hears_nothing_twice(ends) -> None:
    room_client, both = RoomClient(), await ends()
    async with visiting(room_client, both) as (_, server):
        server.welcomes()
        room_client.say("taken")
        room_client.say("taken as well")
        room_client.say("unknown")
        await idle()
        server.session.send_item(Ack(2))
        await idle()
    async with visiting(room_client, both) as (_, server):
        room_client.say("new")
        server.welcomes(taken=1)
        await idle()
        assert server.heard == ["new"]
        server.session.send_item(Ack(2))
        await idle()
    assert "The server was restarted: your last line may not have arrived." in both[0].person.notices
    async with visiting(room_client, both) as (_, server):
        server.welcomes(taken=2)
        await idle()
        assert server.heard == []


async def test_an_exit_typed_while_away_comes_after_all_that_was_said(ends) -> None:
    room_client, both = RoomClient(), await ends()
    async with visiting(room_client, both) as (_, server):
        server.welcomes()
        room_client.say("before")
        await idle()
    async with visiting(room_client, both) as (session, server):
        room_client.say("meanwhile")
        room_client.say("exit")
        await idle()
        assert (session.ending, server.heard) == (None, [])
        server.welcomes(taken=0)
        await idle()
        assert server.heard == ["before", "meanwhile"]
        assert session.ending.by is EndedBy.US
        assert server.session.ending.by is EndedBy.THEM
    async with visiting(room_client, both) as (session, server):
        room_client.exit()
        room_client.exit()  # again: a second exit does not wait
        assert session.ending


async def test_acknowledgements_that_cannot_be_harm_nobody(ends) -> None:
    room_client, both = RoomClient(), await ends()
    async with visiting(room_client, both) as (session, server):
        server.welcomes()
        room_client.say("one")
        room_client.say("two")
        await idle()
        for taken in (1, 0, 1, 2**64 - 1, 3):
            server.session.send_item(Ack(taken))
        room_client.say("three")
        await idle()
        assert server.heard == ["one", "two", "three"]
        assert not session.ending


VALUES = [
    None,
    True,
    -1,
    0,
    2**70,
    1.5,
    float("inf"),
    "",
    "x",
    "\x1b[2J\r\n\u202e",
    "\ud800",
    [],
    [1, None, [[]], {}],
    {},
    {"a": 1},
]


@pytest.mark.parametrize("field", WELCOME)
async def test_a_welcome_with_anything_in_any_field_harms_nobody(ends, field: str) -> None:
    room_client, both = RoomClient(), await ends()
    for returning in (False, True):
        for value in VALUES:
            async with visiting(room_client, both) as (session, server):
                room_client.say("hello")
                server.welcomes(**{field: value})
                server.happens(1, "x")
                server.tells(do="tell", text="still there")
                await idle()
                assert not session.ending, (field, value, returning)
                room_client.say("again")
                await idle()
    person = both[0].person
    assert all(line.isprintable() for line in (*person.notices, *person.messages))
    assert "still there" in person.notices


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"[" * 200_000, b'{"do":' * 5000, b'{"do": "welcome"}', b'{"do": "tell", "text": 7}',
             b'{"do": "refused"}', b'{"do": "fly"}', b"\xff", b"9" * 10_000,
             json.dumps({"do": "tell", "text": "a" * 500_000}).encode()],
    ids=range(12),
)  # fmt: skip
async def test_what_is_no_answer_is_nothing(ends, body: bytes) -> None:
    room_client, both = RoomClient(), await ends()
    async with visiting(room_client, both) as (session, server):
        server.session.send_item(Extension(ROOM, body))
        server.happens(1, "x")
        await idle()
        assert not session.ending
        assert both[0].person.messages == ["bob: x"]


async def test_no_event_moves_a_cursor(ends) -> None:
    room_client, both = RoomClient(), await ends()
    async with visiting(room_client, both) as (session, server):
        server.welcomes()
        number = 0
        for kind in (*Kind, 0, 99, 255):
            for marks in (0, 255):
                number += 1
                server.happens(number, "\x1b[2J\r\nalice: yes\u2028", "bob\n\x1b", kind, marks)
        server.tells(do="tell", text="a\nb\x1b[2J")
        await idle()
        assert not session.ending
    person = both[0].person
    assert person.messages
    assert all(line.isprintable() for line in (*person.notices, *person.messages))


async def test_an_event_that_is_cut_off_ends_the_conversation_in_words(ends) -> None:
    both = await ends()
    async with visiting(RoomClient(), both) as (session, server):
        server.session.send_item(Extension(EVENT, b"short"))
        await idle()
        assert session.ending
        assert session.ending.reason.startswith("An event came that is too short.")


async def test_a_member_is_told_its_room_and_its_company_wherever_it_goes(ends) -> None:
    room_client, both = RoomClient(), await ends()
    async with visiting(room_client, both) as (_, server):
        server.welcomes(count=2, here=[{"name": "bob"}])
        server.welcomes(count=1, here=[], room="kitchen")
        await idle()
        assert both[0].person.notices == [
            "You are alice in lobby, with bob. /help lists what you can do.",
            "You are alice in kitchen, with nobody else. /help lists what you can do.",
        ]
        assert repr(room_client) == "<RoomClient alice in kitchen>"


# -- over several connections ----------------------------------------------------------------------------------------------

CUT = Ending(EndedBy.FAULT, "cut", Truncated("cut"))


class Runs(Screen):
    """Counts how often it is asked to talk."""

    runs = 0

    async def run(self, conversation: Conversation) -> None:
        self.runs += 1
        await super().run(conversation)


class Program(Screen):
    """Says a line, and the next one when it may."""

    said = 0

    async def run(self, conversation: Conversation) -> None:
        self.session = conversation
        while True:
            conversation.say(f"line {self.said}")
            self.said += 1
            await conversation.drain()
            await asyncio.sleep(0)


async def away(crowd: Crowd, person: Person) -> RoomClient:
    """Cut a person off from a server that takes no connection for now."""
    room_client = person.ui.session
    assert isinstance(room_client, RoomClient)
    next(one for one in crowd.hub.members.values() if one.name == room_client.name).session.stream.close()
    while room_client.chat:  # noqa: ASYNC110
        await asyncio.sleep(0)
    return room_client


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """No attempt before this is set."""
    go = asyncio.Event()

    async def wait(self: Reconnecting) -> bool:
        stopped, going = (asyncio.ensure_future(event.wait()) for event in (self._stopped, go))
        try:
            await asyncio.wait((stopped, going), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stopped, going):
                task.cancel()
        return not self._stopped.is_set()

    monkeypatch.setattr(Reconnecting, "wait", wait)
    return go


async def test_the_ui_talks_once_and_what_it_says_meanwhile_goes_out_in_order(home: Path, slow: asyncio.Event) -> None:
    async with Crowd(home, headless=True) as crowd:
        witness = await crowd.joins("wendy")
        bob = await crowd.comes("bob", screen=Runs, reconnect=True)
        bob.say("before")
        await witness.until(lambda: "bob: before" in witness.texts)
        await away(crowd, bob)
        bob.say("while away", "twice")
        slow.set()
        await witness.until(lambda: "bob: twice" in witness.texts)
        bob.say("after")
        await witness.until(lambda: "bob: after" in witness.texts)
        said = [text for text in witness.texts if text.startswith("bob: ")]
        assert said == ["bob: before", "bob: while away", "bob: twice", "bob: after"]
        assert bob.ui.runs == 1
        assert bob.ui.notices.count("You are not connected: trying again. What you type now is sent when you are back.") == 1


async def test_an_exit_while_away_ends_at_once_where_nothing_is_to_be_sent(home: Path, slow: asyncio.Event) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob = await crowd.comes("bob", reconnect=True)
        room_client = await away(crowd, bob)
        room_client.say("exit")
        assert await bob.over() == Ending(EndedBy.US, "You said exit.")
        assert bob.ui.ended == (room_client.ending.by.value, room_client.ending.reason)


async def test_an_exit_while_away_comes_after_what_was_said_there(home: Path, slow: asyncio.Event) -> None:
    async with Crowd(home, headless=True) as crowd:
        witness = await crowd.joins("wendy")
        bob = await crowd.comes("bob", reconnect=True)
        room_client = await away(crowd, bob)
        room_client.say("the last")
        room_client.exit()
        room_client.exit()
        assert room_client.ending
        slow.set()
        assert await bob.over() == Ending(EndedBy.US, "You said exit.")
        await witness.until(lambda: "bob: the last" in witness.texts)


async def test_an_interruption_while_away_ends_it_without_another_attempt(home: Path, slow: asyncio.Event) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob = await crowd.comes("bob", reconnect=True)
        room_client = await away(crowd, bob)
        room_client.say("never sent")
        assert not bob.task.done()
        bob.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await bob.over()
        assert not room_client._reconnecting.is_due(CUT)


async def test_a_program_waits_while_away_and_a_person_need_not(home: Path, slow: asyncio.Event) -> None:
    async with Crowd(home, headless=True, rate=0) as crowd:
        bob = await crowd.comes("bob", screen=Program, reconnect=True)
        room_client = await away(crowd, bob)
        said = bob.ui.said
        await idle()
        assert bob.ui.said <= said + 1
        type(bob.ui).interactive = True
        await within(room_client.drain(), "A person waits.")
        type(bob.ui).interactive = False
        slow.set()
        while bob.ui.said < said + 10:
            await idle()


async def test_what_could_not_be_done_on_any_connection_counts_at_the_end(home: Path, slow: asyncio.Event) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob = await crowd.comes("bob", reconnect=True)
        bob.say("/fly")
        await bob.shows("/fly")
        room_client = await away(crowd, bob)
        assert room_client.failed
        room_client.notice("Told while away.")
        assert "Told while away." in bob.ui.notices
        slow.set()
        while not room_client.chat:
            await idle()
        room_client.exit()
        assert isinstance((await bob.over()).error, NotDone)


async def test_a_ui_that_breaks_as_it_opens_leaves_no_connection_behind(home: Path) -> None:
    class Breaks(Screen):
        """Breaks."""

        def show(self, event: Event) -> None:
            if isinstance(event, Open):
                raise ZeroDivisionError
            super().show(event)

    async with Crowd(home, headless=True) as crowd:
        stack, _ = stack_of(crowd.home("bob"), Memory, Rooms, screen=Breaks)
        with pytest.raises(BrokenPlugin, match="The ui `screen` raised ZeroDivisionError"):
            await client_of(stack, PATIENT).run(*crowd.place)
        await within(crowd_is_empty(crowd), "The connection stays open.")


async def crowd_is_empty(crowd: Crowd) -> None:
    while len(crowd.server.capacity):
        await idle()


async def test_who_is_banned_while_away_is_told_and_does_not_try_again(home: Path, slow: asyncio.Event) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob = await crowd.comes("bob", reconnect=True)
        await away(crowd, bob)
        crowd.hub.moderation.ban(crowd.key("bob"))
        slow.set()
        with pytest.raises(Refused):
            await bob.over()


async def test_who_gets_no_connection_any_more_is_told_what_was_not_sent(home: Path, slow: asyncio.Event) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob = await crowd.comes("bob", reconnect=True)
        room_client = await away(crowd, bob)
        for line in ("one", "two", "exit"):
            room_client.say(line)
        crowd.hub.moderation.ban(crowd.key("bob"))
        slow.set()
        with pytest.raises(Refused):
            await bob.over()
        assert bob.ui.notices[-1] == "You are not connected: your last 2 lines may not have arrived."


async def test_an_exit_before_everything_has_arrived_is_said_on_the_next_connection(home: Path, slow: asyncio.Event) -> None:
    async with Crowd(home, headless=True) as crowd:
        witness = await crowd.joins("wendy")
        bob = await crowd.comes("bob", reconnect=True)
        bob.say("lost with the connection")
        room_client = await away(crowd, bob)
        room_client.exit()
        slow.set()
        assert (await bob.over()).error is None
        await witness.until(lambda: "bob: lost with the connection" in witness.texts)


async def test_each_connection_that_stands_counts_its_attempts_from_the_start(home: Path, slow: asyncio.Event) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob = await crowd.comes("bob", reconnect=True)
        room_client = await away(crowd, bob)
        room_client._reconnecting.tries = 5
        slow.set()
        while not room_client.chat:
            await idle()
        assert room_client._reconnecting.tries == 0


async def test_an_exit_that_is_cut_short_is_said_again_behind_what_it_followed(home: Path, slow: asyncio.Event) -> None:
    async with Crowd(home, headless=True) as crowd:
        witness = await crowd.joins("wendy")
        bob = await crowd.comes("bob", reconnect=True)
        slow.set()
        bob.say("just before", "exit")
        next(one for one in crowd.hub.members.values() if one.name == "bob").session.stream.close()
        assert (await bob.over()).error is None
        await witness.until(lambda: "bob: just before" in witness.texts)
        assert [text for text in witness.texts if text.startswith("bob: ")] == ["bob: just before"]
