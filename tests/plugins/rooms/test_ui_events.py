"""What comes to a screen: events of one shape, in which nothing moves a cursor."""

from datetime import UTC, datetime

import msgspec
import pytest
from crowd import Screen

from plytalk.core.contracts.events import Message, Sender
from plytalk.plugins.rooms.room_events import Kind, Mark, RoomEvent
from plytalk.plugins.rooms.ui_events import DEEPEST, LAST, as_event, cleaned, sender_of, tell


class Raw(Screen):
    raw = True


EVIL = "x\r\n\x1b[2J\x9b\0\u2028\u202e"
CLEAN = "x␍␊␛[2J\\x9b␀\\u{2028}\\u{202e}"


def texts(data: object) -> list[str]:
    """All texts in something."""
    if isinstance(data, dict):
        return [text for pair in data.items() for each in pair for text in texts(each)]
    if isinstance(data, list | tuple):
        return [text for each in data for text in texts(each)]
    return [data] if isinstance(data, str) else []


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("marks", [0, Mark.NO_KEY])
def test_no_event_moves_a_cursor_or_begins_a_line(kind: Kind, marks: int) -> None:
    for text in (EVIL, f'{{"to": "{EVIL!r}", "text": "a\\u001b[2J\\nb"}}'):
        event = as_event(RoomEvent(1, 2, kind, marks, EVIL, text), EVIL)
        assert all(part.isprintable() for part in texts(msgspec.to_builtins(event)))


def test_a_screen_that_escapes_by_itself_gets_all_as_it_is() -> None:
    event = as_event(RoomEvent(1, 2, Kind.SAID, 0, "bob", EVIL), "lobby", raw=True)
    assert isinstance(event, Message)
    assert event.text == EVIL


def test_what_an_event_is_made_of() -> None:
    for mark in (0, 1):  # which old history files have
        event = as_event(RoomEvent(7, 1234, Kind.SAID, Mark.NO_KEY | mark, "bob", "hi"), "lobby")
        assert event == Message(
            id="lobby/7",
            time=datetime(1970, 1, 1, 0, 0, 1, 234000, UTC),
            room="lobby",
            sender=Sender(name="bob", marks=("not authenticated",)),
            text="hi",
        )


def test_a_private_message_says_to_whom_it_is() -> None:
    told = RoomEvent(1, 2, Kind.TOLD, 0, "bob", '{"to": "alice", "text": "psst"}')
    for own in (False, True):
        event = as_event(told, "lobby", own)
        assert isinstance(event, Message)
        assert (event.text, event.private, event.to, event.own, event.room) == ("psst", True, "alice", own, None)


def test_no_time_is_too_late_to_be_shown() -> None:
    for time in (LAST, LAST + 1, 2**64 - 1):
        event = as_event(RoomEvent(1, time, Kind.SAID, 0, "bob", "hello"), "lobby")
        assert event is not None
        assert (event.time.year, event.time.month, event.time.day) == (9999, 12, 31)


def test_what_this_version_does_not_know_is_not_shown() -> None:
    for marks in (0, 255):
        assert as_event(RoomEvent(1, 2, 99, marks, "bob", "from the future"), "lobby") is None
        assert as_event(RoomEvent(1, 2, 0, marks, "bob", "from the past"), "lobby") is None


@pytest.mark.parametrize("said", ["bob", {"name": "bob"}, {"name": "bob", "key": 7, "marks": "x"}, {"name": "bob", "marks": [7]}])
def test_a_member_is_what_can_be_understood_of_it(said: object) -> None:
    assert sender_of(said) == Sender(name="bob")
    assert sender_of([said]) == Sender()


def test_an_answer_is_cut_to_what_any_reader_can_take() -> None:
    nested: object = EVIL
    for _ in range(DEEPEST + 1):
        nested = [nested]
    assert EVIL not in repr(cleaned(nested, raw=True))
    assert cleaned([EVIL, {EVIL: 1 << 80, "n": 1 << 62}]) == [CLEAN, {CLEAN: str(1 << 80), "n": 1 << 62}]
    assert cleaned([EVIL], raw=True) == [EVIL]


def test_what_the_server_says_is_one_clean_line() -> None:
    screen = Raw()
    tell(screen, EVIL)
    assert screen.notices == [CLEAN]
