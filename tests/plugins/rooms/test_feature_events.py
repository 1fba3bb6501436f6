"""Types of events that a feature brings: a client that has the feature gets them, another one a notice with the text."""

import json
from pathlib import Path

import pytest
from crowd import Crowd

from plytalk.core.contracts.commands import Call, Command
from plytalk.core.contracts.events import Event, MemberEvent, Notice, Sender
from plytalk.core.contracts.feature import Feature
from plytalk.core.registry.validation import fault_of
from plytalk.plugins.rooms.room_events import Kind, RoomEvent
from plytalk.plugins.rooms.ui_events import as_event, types_of


class Vote(MemberEvent, frozen=True, kw_only=True, tag="poll.vote"):
    """A member has voted."""

    choice: str
    text: str = ""


def vote(call: Call) -> None:
    call.publish("poll.vote", json.dumps({"choice": call.rest}), f"{call.sender} votes.")


class Poll(Feature):
    """Votes."""

    name = "poll"
    commands = (Command("vote", "Vote.", vote),)
    events = (Vote,)


def published(details: object, raw: bool = False) -> Event | None:
    event = RoomEvent(7, 1000, Kind.OTHER, 0, "bob", json.dumps(details))
    return as_event(event, "lobby", raw=raw, types=types_of([Poll()]))


async def test_the_server_s_user_has_the_feature_and_a_client_without_it_reads_the_text(home: Path) -> None:
    async with Crowd(home, Poll) as crowd:
        alice = await crowd.comes("alice")
        alice.say("/vote tea")
        await crowd.ui.shows("alice votes.")
        (voted,) = [event for event in crowd.ui.events if isinstance(event, Vote)]
        assert (voted.choice, voted.sender.name, voted.room, voted.id.partition("/")[0]) == ("tea", "alice", "lobby", "lobby")
        await alice.shows("alice votes.")
        (told,) = [event for event in alice.ui.events if isinstance(event, Notice) and event.id.startswith("lobby/")]
        assert told.text == "alice votes."


def test_no_text_of_an_event_moves_a_cursor_unless_its_reader_escapes() -> None:
    details = {"type": "poll.vote", "body": json.dumps({"choice": "\x1b[2J"}), "text": "\n"}
    clean, raw = published(details), published(details, raw=True)
    assert isinstance(clean, Vote)
    assert isinstance(raw, Vote)
    assert (clean.choice, clean.text, raw.choice, raw.text) == ("␛[2J", "␊", "\x1b[2J", "\n")


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"choice": 7}', "[" * 100_000])
def test_a_body_that_does_not_fit_is_a_notice(body: str) -> None:
    event = published({"type": "poll.vote", "body": body, "text": "bob votes."})
    assert isinstance(event, Notice)
    assert (event.id, event.text) == ("lobby/7", "bob votes.")


def test_a_body_cannot_say_who_speaks_or_when() -> None:
    body = {"choice": "tea", "sender": {"name": "alice"}, "id": "x", "own": True, "room": "x", "time": "2000-01-01T00:00:00Z"}
    event = published({"type": "poll.vote", "body": json.dumps(body), "text": ""})
    assert isinstance(event, Vote)
    assert (event.sender, event.id, event.own, event.room, event.time.year) == (
        Sender(name="bob"),
        "lobby/7",
        False,
        "lobby",
        1970,
    )


@pytest.mark.parametrize("events", [(7,), (Sender,), (Notice,), (type("Said", (MemberEvent,), {}, tag="message"),)])
def test_a_type_that_is_none_or_has_a_name_of_ours_is_a_fault(events: tuple[type[Event], ...]) -> None:
    wrong = type("Wrong", (Poll,), {"__doc__": "Votes.", "events": events})
    assert "event" in fault_of(wrong, "layers")
    assert fault_of(Poll, "layers") == ""
