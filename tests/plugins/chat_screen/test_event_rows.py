"""Events as rows: what a person reads, and how it looks."""

import re
from datetime import timedelta

import pytest
from happening import NOW, happened

from plytalk.core.contracts.events import Error, Joined, Left, Message, Notice, Result, Sender
from plytalk.plugins.chat_screen.event_rows import EventRows, separator, styled


def plain(rows: list[str]) -> list[str]:
    return [re.sub(r"\x1b\[[\d;]*m", "", row) for row in rows]


@pytest.fixture
def rows() -> EventRows:
    return EventRows("Type Message: ", "Message Received: ", True, me="bob", day=NOW.date())


def test_a_message_has_time_and_name_and_hangs_below_its_text(rows) -> None:
    said = happened(Message, text="a line of words that does not fit in forty columns")
    assert plain(rows.draw(said, 40)) == ["12:31 alice: a line of words that does", "             not fit in forty columns"]
    assert plain(rows.draw(happened(Message, "bob", text="mine", own=True), 40)) == ["12:31 bob: mine"]
    marked = happened(Message, text="hi", sender=Sender(name="eve", marks=("not authenticated",)))
    assert plain(rows.draw(marked, 40)) == ["12:31 eve [not authenticated]: hi"]


def test_a_long_name_does_not_push_the_text_off_the_screen(rows) -> None:
    said = happened(Message, "n" * 32, text="several words that need more rows")
    assert plain(rows.draw(said, 42)) == [
        f"12:31 {'n' * 32}: ",
        "              several words that need more",
        "              rows",
    ]
    assert all(len(row) <= 20 for row in plain(rows.draw(said, 20))[1:])


def test_several_lines_in_one_message_cannot_pass_for_other_messages(rows) -> None:
    said = happened(Message, text="one␊12:31 carol: two")
    assert plain(rows.draw(said, 60)) == ["12:31 alice: one", "             12:31 carol: two"]


def test_actions_private_messages_and_what_is_reported(rows) -> None:
    drawn = [
        plain(rows.draw(event, 60))[0]
        for event in (
            happened(Message, text="waves", action=True),
            happened(Message, text="psst", private=True, to="bob"),
            happened(Message, "bob", text="psst", private=True, to="alice", own=True),
            happened(Joined),
            happened(Left, reason="tired"),
        )
    ]
    assert drawn == [
        "12:31 * alice waves",
        "12:31 alice, to you alone: psst",
        "12:31 you, to alice alone: psst",
        "12:31 * [alice] is here.",
        "12:31 * [alice] has left: tired.",
    ]


def test_the_colour_belongs_to_the_key_and_not_to_the_name(rows) -> None:
    def colour(name: str, key: str) -> str:
        said = happened(Message, text="hi", sender=Sender(name=name, key=key))
        found = re.search(rf"\x1b\[(38;5;\d+)m{name}\x1b\[m: hi", rows.draw(said, 60)[0])
        assert found
        return found[1]

    assert colour("alice", "SHA256:a") == colour("alicia", "SHA256:a")
    assert colour("alice", "SHA256:a") != colour("alice", "SHA256:b")


def test_without_colours_a_mark_stands_before_each_name() -> None:
    rows = EventRows("", "", False, day=NOW.date())
    drawn = rows.draw(happened(Message, text="hi"), 60) + rows.draw(happened(Message, "carol", text="hi"), 60)
    assert not any("38;5" in row for row in drawn)
    marks = [re.fullmatch(r"12:31 (\S) \w+: hi", row)[1] for row in plain(drawn)]
    assert len(set(marks)) == 2


@pytest.mark.parametrize("text", ["@bob look", "bob: look", "hey, Bob!", "I told bob"])
def test_a_message_with_the_readers_name_is_loud(rows, text) -> None:
    said = happened(Message, text=text)
    assert rows.mentions(said)
    assert rows.draw(said, 60)[0].startswith("\x1b[1;7m12:31\x1b[m ")


@pytest.mark.parametrize("text", ["bobby", "kebob", "nothing"])
def test_a_name_within_a_word_is_not_a_mention(rows, text) -> None:
    said = happened(Message, text=text)
    assert not rows.mentions(said)
    assert not rows.draw(said, 60)[0].startswith("\x1b[1;7m")


def test_a_private_message_is_loud_and_ones_own_words_are_not(rows) -> None:
    assert rows.mentions(happened(Message, text="psst", private=True, to="bob"))
    assert not rows.mentions(happened(Message, "bob", text="I am bob", own=True))
    assert not rows.mentions(happened(Joined))


def test_without_names_it_looks_like_the_program_that_it_reproduces(rows) -> None:
    drawn = [rows.draw(happened(Message, None, text="hello", own=own), 60) for own in (True, False)]
    assert drawn == [["Type Message: hello"], ["Message Received: hello"]]


def test_notices_have_no_time_and_errors_are_bold(rows) -> None:
    assert rows.draw(happened(Notice, text="Something to know."), 60) == ["Something to know."]
    assert rows.draw(happened(Error, text="No such name.", hint="See /who."), 60) == ["\x1b[1mNo such name. See /who.\x1b[m"]


def test_an_answer_of_several_lines_shows_where_each_begins(rows) -> None:
    answer = happened(Result, command="help", lines=("/me  Describe an action.", "/who  List who is here."))
    assert rows.draw(answer, 20) == ["/me  Describe an", "  action.", "/who  List who is", "  here."]


def test_another_day_has_a_line(rows) -> None:
    then, now = happened(Message, text="then", time=NOW - timedelta(days=1)), happened(Message, text="now")
    drawn = plain([row for event in (then, then, now) for row in rows.draw(event, 60)])
    assert drawn == [
        "--- 2026-11-28 ---",
        "12:31 alice: then",
        "12:31 alice: then",
        "--- 2026-11-29 ---",
        "12:31 alice: now",
    ]


def test_the_line_between_earlier_and_new() -> None:
    assert plain([separator(1), separator(3)]) == ["--- 1 earlier message ---", "--- 3 earlier messages ---"]
    assert styled("", "1") == ""
