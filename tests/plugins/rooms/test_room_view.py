"""What a client shows of its room: who it is there, what happens, and the answers to its commands."""

from typing import Any

import pytest
from crowd import Screen

from plytalk.core.contracts.events import Error, Message, Result, Sender, You
from plytalk.plugins.rooms.requests import CommandRequest
from plytalk.plugins.rooms.room_events import Kind, RoomEvent
from plytalk.plugins.rooms.room_view import MAX_SHOWN, RoomView, number

EVIL, CLEAN = "x\r\n\x1b[2J", "x␍␊␛[2J"


class Unescaped(Screen):
    raw = True


@pytest.fixture
def view() -> RoomView:
    return RoomView(Screen())


def shown(view: RoomView) -> Any:
    """The last event that came to the screen."""
    assert isinstance(view.ui, Screen)
    return view.ui.events[-1]


def test_a_newcomer_is_shown_who_it_is_where_and_with_whom(view: RoomView) -> None:
    here = [{"name": "bob", "key": "SHA256:b", "marks": ["not authenticated"]}, {"name": "carol"}]
    view.introduce({"you": "alice", "key": "SHA256:a", "room": "lobby", "topic": "", "operator": True, "here": here, "count": 7})
    you = shown(view)
    assert isinstance(you, You)
    assert (you.sender, you.room, you.topic, you.operator, you.present) == (
        Sender(name="alice", key="SHA256:a"), "lobby", None, True, 7,
    )  # fmt: skip
    assert you.others == (Sender(name="bob", key="SHA256:b", marks=("not authenticated",)), Sender(name="carol"))


def test_why_it_has_another_name_comes_before_who_it_is(view: RoomView) -> None:
    view.introduce({"you": "alice2", "room": "lobby", "why": "It is taken."})
    assert isinstance(view.ui, Screen)
    why, you = view.ui.events
    assert (why.type, getattr(why, "code", None), getattr(why, "text", None)) == ("notice", "renamed", "It is taken.")
    assert isinstance(you, You)


@pytest.mark.parametrize("operator", [1, "yes", None, [True]])
def test_only_true_makes_an_operator(view: RoomView, operator: object) -> None:
    view.introduce({"you": "alice", "room": "lobby", "operator": operator})
    assert shown(view).operator is False


@pytest.mark.parametrize(
    ("here", "count", "present"), [([], None, 1), ("bob", -3, 1), ([{"name": "bob"}], 1, 2), ([{}] * 3, "9", 4), ([], True, 1)]
)
def test_as_many_are_there_as_are_named_at_least(view: RoomView, here: object, count: object, present: int) -> None:
    view.introduce({"you": "alice", "room": "lobby", "here": here, "count": count})
    assert shown(view).present == present
    assert type(shown(view).present) is int


def test_so_many_are_named_and_all_are_counted(view: RoomView) -> None:
    view.introduce({"you": "alice", "room": "lobby", "here": [{"name": f"b{n}"} for n in range(MAX_SHOWN + 5)], "count": 1000})
    assert [other.name for other in shown(view).others] == [f"b{n}" for n in range(MAX_SHOWN)]
    assert shown(view).present == 1000


def test_room_and_topic_are_cleaned_unless_the_screen_escapes_by_itself(view: RoomView) -> None:
    for one, seen in ((view, CLEAN), (RoomView(Unescaped()), EVIL)):
        one.introduce({"you": EVIL, "room": EVIL, "topic": EVIL, "here": [{"name": EVIL}]})
        you = shown(one)
        assert (you.sender.name, you.room, you.topic, you.others[0].name) == (seen,) * 4


def test_what_happened_before_is_replayed_and_what_is_in_no_log_has_a_number_of_the_screen(view: RoomView) -> None:
    view.since = 5
    for id in (4, 5):
        view.happened(RoomEvent(id, 1, Kind.SAID, 0, "bob", "hi"), "lobby", False)
        event = shown(view)
        assert isinstance(event, Message)
        assert (event.id, event.replayed, event.own) == (f"lobby/{id}", id < 5, False)
    view.happened(RoomEvent(0, 1, Kind.SAID, 0, "bob", "late"), "lobby", True)
    assert (shown(view).text, shown(view).own) == ("late", True)
    assert shown(view).id != "lobby/0"


def test_an_event_that_is_not_known_is_not_shown(view: RoomView) -> None:
    view.happened(RoomEvent(1, 1, 99, 0, "bob", "hi"), "lobby", False)
    assert isinstance(view.ui, Screen)
    assert not view.ui.events


def test_an_answer_is_that_to_the_command_of_its_line_and_only_once(view: RoomView) -> None:
    view.requests.add(3, CommandRequest("who", "r1"))
    for _ in range(2):
        view.answer({"line": 3, "data": {EVIL: EVIL}, "lines": ["one", EVIL, 7]}, "whom")
    assert isinstance(view.ui, Screen)
    first, second = view.ui.events
    assert isinstance(first, Result)
    assert isinstance(second, Result)
    assert (first.command, first.request, first.data, first.lines) == ("who", "r1", {CLEAN: CLEAN}, ("one", CLEAN, "7"))
    assert (second.command, second.request) == ("whom", None)


@pytest.mark.parametrize("lines", [None, "text", {"a": "b"}, 7])
def test_lines_that_are_no_list_are_none(view: RoomView, lines: object) -> None:
    view.answer({"line": None, "data": None, "lines": lines}, "who")
    assert shown(view).lines == ()


def test_an_error_names_its_command_its_request_and_a_code(view: RoomView) -> None:
    view.requests.add(1, CommandRequest("kick", "r1"))
    view.fail({"line": 1, "command": "other", "code": "for_operators", "hint": EVIL}, EVIL)
    error = shown(view)
    assert isinstance(error, Error)
    assert (error.command, error.request, error.code, error.hint) == ("kick", "r1", "for-operators", CLEAN)
    assert CLEAN in error.text
    view.fail({"line": 1, "command": "other"}, "no")
    assert (shown(view).command, shown(view).request, shown(view).code, shown(view).hint) == ("other", None, "failed", None)
    view.fail({"command": 7}, "no")
    assert shown(view).command is None


@pytest.mark.parametrize(
    ("value", "read"), [(1, 1), (1 << 62, 1 << 62), (0, 0), (-1, 0), (1.5, 0), ("3", 0), (None, 0), ([1], 0)]
)  # fmt: skip
def test_a_number_is_a_positive_integer_or_0(value: object, read: int) -> None:
    assert number({"n": value}, "n") == read
    assert number({}, "n") == 0


def test_the_command_of_an_answer_to_nothing_is_cleaned_too(view: RoomView) -> None:
    view.answer({"lines": []}, EVIL)
    assert shown(view).command == CLEAN
    view.fail({"command": EVIL}, "no")
    assert shown(view).command == CLEAN
