"""Commands of programs: each is answered once, with its request's id, also through a cut and without rooms."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from crowd import Crowd
from meeting import End, Meeting, end
from msgspec.structs import replace

from plytalk.core.contracts.events import Error, Message, Result
from plytalk.core.contracts.items import Extension
from plytalk.core.contracts.limits import DEFAULT_LIMITS
from plytalk.core.contracts.peers import Role
from plytalk.plugins.rooms.requests import ABOUT_MEMBERS, CommandRequest, Requests, line_of
from plytalk.plugins.rooms.room_chat import RoomChat
from plytalk.plugins.rooms.room_client import RoomClient
from plytalk.plugins.rooms.room_commands import COMMANDS
from plytalk.plugins.rooms.room_events import ROOM, write
from plytalk.testing import RecordingUi
from plytalk.testing.verdict import idle


def answers(ui: RecordingUi) -> list[tuple[str, str | None, str | None]]:
    """The answers so far: `result` or an error's code, the command, and the request."""
    return [
        ("result" if isinstance(event, Result) else event.code, event.command, event.request)
        for event in ui.events
        if isinstance(event, Result | Error)
    ]


async def until(ui: RecordingUi, count: int) -> list[tuple[str, str | None, str | None]]:
    async with asyncio.timeout(180):
        while len(answers(ui)) < count:
            await idle()
    return answers(ui)


async def test_a_command_that_is_too_long_is_answered_once(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice")
        await alice.shows("You are alice")
        alice.ui.session.command("me", ("x" * DEFAULT_LIMITS.message,), "1")
        alice.ui.session.command("me", ("waves",), "2")
        assert await until(alice.ui, 2) == [("too-long", "me", "1"), ("result", "me", "2")]


@pytest.mark.parametrize(
    ("name", "args", "line"),
    [
        ("who", (), "/who"), ("msg", ("bob", "hello there"), "/msg bob hello there"), ("kick", ("al ice",), '/kick "al ice"'),
        ("msg", ("", "hi"), '/msg "" hi'),
        ("kick", ("al ice", "too loud"), '/kick "al ice" too loud'), ("topic", ("tea at four",), "/topic tea at four"),
        ("ban", ("ssh-ed25519 AAAA",), "/ban ssh-ed25519 AAAA"), ("me", ("waves",), "/me waves"),
    ],
)  # fmt: skip
def test_a_command_is_a_line_as_a_person_types_it(name: str, args: tuple[str, ...], line: str) -> None:
    assert line_of(name, args) == line


def test_every_command_about_a_member_is_one_of_the_rooms() -> None:
    assert {command.name for command in COMMANDS} >= ABOUT_MEMBERS


async def test_data_comes_as_data_and_each_answer_names_its_request(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice")
        for ui, conversation in ((alice.ui, alice.ui.session), (crowd.ui, crowd.local_member)):
            conversation.command("who", (), "1")
            conversation.command("nosuch", (), "2")
            conversation.command("not one", (), "3")
            conversation.command("rooms")
            told = await until(ui, 4)
            assert {("result", "who", "1"), ("unknown-command", "nosuch", "2"), ("result", "rooms", None)} < set(told)
            (who,) = [event for event in ui.events if isinstance(event, Result) and event.request == "1"]
            assert {"alice", "server"} == {member["name"] for member in who.data}


async def test_the_answer_to_a_typed_command_names_no_request(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice")
        alice.say("/rooms")
        assert await until(alice.ui, 1) == [("result", "rooms", None)]


# -- through a cut, by hand ---------------------------------------------------------------------------------------------------


@pytest.fixture
def ends(tmp_path: Path):
    async def made() -> tuple[End, End]:
        return await end(Role.INITIATOR, tmp_path / "a"), await end(Role.RESPONDER, tmp_path / "b")

    return made


async def never(*arguments: object) -> None:
    raise AssertionError("the test connects by hand")


@asynccontextmanager
async def connected(room_client: RoomClient, ends: tuple[End, End], rooms: bool = True) -> AsyncIterator[Callable[..., None]]:
    """One connection; it is cut when the block ends. Gives what the server tells."""
    async with Meeting(*ends, make_chat=RoomChat) as meeting:
        if rooms:  # no pong: one without a welcome says that there are no rooms
            meeting.server.connection.limits = replace(meeting.server.limits, unread=-1)
        if not hasattr(room_client, "stack"):
            room_client.begin(meeting.client, never, never)  # type: ignore[arg-type]
        room_client._join(meeting.client)  # type: ignore[arg-type]
        yield lambda **said: meeting.server.send_item(Extension(ROOM, write(**said)))
        await idle()


def welcome(epoch: str, taken: int) -> dict[str, object]:
    return {"do": "welcome", "room": "lobby", "epoch": epoch, "you": "alice", "next": 1, "now": 1, "taken": taken, "count": 1}


async def test_an_answer_that_a_cut_swallowed_is_an_error_and_what_was_not_taken_is_done_then(ends) -> None:
    room_client, both = RoomClient(), await ends()
    client, server = both[0].person, both[1].person
    async with connected(room_client, both) as tells:
        tells(**welcome("e", 0))
        await idle()
        for request in ("1", "2"):
            room_client.command("who", (), request)
        await idle()
        assert server.messages == ["/who", "/who"]
        assert answers(client) == []
    async with connected(room_client, both) as tells:
        tells(**welcome("e", 1))
        await idle()
        assert answers(client) == [("answer-lost", "who", "1")]
        assert server.messages == ["/who", "/who", "/who"], "the second is said again, the first is not"
        tells(do="result", line=2, command="who", data=[], lines=[])
        assert await until(client, 2) == [("answer-lost", "who", "1"), ("result", "who", "2")]


async def test_a_restarted_server_has_lost_all_answers_and_counts_from_its_own_number(ends) -> None:
    room_client, both = RoomClient(), await ends()
    client = both[0].person
    async with connected(room_client, both) as tells:
        tells(**welcome("e", 0))
        await idle()
        room_client.command("who", (), "1")
        await idle()
    async with connected(room_client, both) as tells:
        room_client.command("rooms", (), "2")  # before the welcome
        tells(**welcome("another", 5))
        await idle()
        assert answers(client) == [("answer-lost", "who", "1")]
        tells(do="error", line=6, command="rooms", code="unknown_command", text="No.")
        assert await until(client, 2) == [("answer-lost", "who", "1"), ("unknown-command", "rooms", "2")]


async def test_a_command_before_the_welcome_waits_and_is_never_said_to_a_side_without_rooms(ends) -> None:
    room_client, both = RoomClient(), await ends()
    client, server = both[0].person, both[1].person
    async with connected(room_client, both, rooms=False):
        room_client.say("hello")
        room_client.command("who", (), "1")
        room_client.say("after")
        assert await until(client, 1) == [("no-commands", "who", "1")]
        room_client.command("who", (), "2")
        await idle()
        assert answers(client)[1:] == [("no-commands", "who", "2")]
        assert server.messages == ["hello", "after"]
        own = [event.text for event in client.events if isinstance(event, Message) and event.own]
        assert own == ["hello", "after"]
    assert room_client.failed


def test_a_line_that_is_no_request_is_answered_for_nobody() -> None:
    requests = Requests(RecordingUi())
    requests.add(1, CommandRequest("who", "7"))
    assert requests.take("1") is requests.take(2) is requests.take(None) is None
    assert requests.take(1) == CommandRequest("who", "7")
    assert requests.take(1) is None
