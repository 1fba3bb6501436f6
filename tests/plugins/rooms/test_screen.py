"""What comes to a screen: nothing that moves a cursor."""

import pytest
from crowd import Screen

from plytalk.core.contracts.ui import Said
from plytalk.plugins.rooms.room_events import Kind, Mark, RoomEvent
from plytalk.plugins.rooms.screen import show, tell


class Raw(Screen):
    raw = True


EVIL = "x\r\n\x1b[2J\x9b\0\u2028\u202e"
CLEAN = "x␍␊␛[2J\\x9b␀\\u{2028}\\u{202e}"


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("marks", [0, Mark.NO_KEY])
def test_no_event_moves_a_cursor_or_begins_a_line(kind: Kind, marks: int) -> None:
    for text in (EVIL, f'{{"to": "{EVIL!r}", "text": "a\\u001b[2J\\nb"}}'):
        screen = Screen()
        show(screen, RoomEvent(1, 2, kind, marks, EVIL, text), "me")
        for said in screen.events:
            assert all(part.isprintable() for part in (said.text, said.sender, said.body, said.kind))
        assert all(line.isprintable() for line in screen.messages)


def test_a_screen_that_escapes_by_itself_gets_all_as_it_is() -> None:
    screen = Raw()
    show(screen, RoomEvent(1, 2, Kind.SAID, 0, "bob", EVIL))
    assert screen.messages == [f"bob: {EVIL}"]


def test_what_an_event_is_made_of() -> None:
    screen = Screen()
    show(screen, RoomEvent(7, 1234, Kind.SAID, Mark.NO_KEY, "bob", "hi"), "alice")
    assert screen.events == [Said("bob [not authenticated]: hi", "said", "bob", "hi", 7, 1234, ("not authenticated",), False)]


def test_our_own_events_are_marked_as_ours() -> None:
    screen = Screen()
    show(screen, RoomEvent(1, 2, Kind.SAID, 0, "alice", "mine"), "alice", mine=True)
    show(screen, RoomEvent(2, 2, Kind.SAID, 0, "bob", "hello"), "alice")
    assert [(said.text, said.own) for said in screen.events] == [("alice: mine", True), ("bob: hello", False)]


def test_the_mark_that_old_history_files_have_changes_nothing() -> None:
    screen = Screen()
    show(screen, RoomEvent(1, 2, Kind.SAID, 1, "bob", "hello"), "alice")
    assert screen.events == [Said("bob: hello", "said", "bob", "hello", 1, 2, (), False)]


def test_what_this_version_does_not_know_is_not_shown() -> None:
    screen = Screen()
    for marks in (0, 255):
        show(screen, RoomEvent(1, 2, 99, marks, "bob", "from the future"))
        show(screen, RoomEvent(1, 2, 0, marks, "bob", "from the past"))
    assert screen.messages == screen.events == []


def test_what_the_server_says_is_one_clean_line() -> None:
    screen = Raw()
    tell(screen, EVIL)
    assert screen.notices == [CLEAN]
