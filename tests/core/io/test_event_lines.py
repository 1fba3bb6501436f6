"""Events as lines of plain text: each type, and that no name can make one pass for another."""

from datetime import UTC, datetime
from typing import Any

import pytest

from plytalk.core.contracts.events import (
    NOT_AUTHENTICATED,
    NOT_ENCRYPTED,
    TYPES,
    Closed,
    Error,
    Event,
    File,
    Joined,
    Left,
    MemberEvent,
    Message,
    Moderated,
    Notice,
    Open,
    Read,
    Renamed,
    Result,
    Sender,
    Topic,
    Typing,
    You,
)
from plytalk.core.io.event_lines import DONE, lines_of, marked

ANN, BOB, NAMELESS = Sender(name="ann"), Sender(name="bob"), Sender(key="SHA256:abc")
WEAK = Sender(name="eve", marks=(NOT_AUTHENTICATED, NOT_ENCRYPTED))


class Vote(MemberEvent, frozen=True, kw_only=True, tag="poll.vote"):
    """An event of a feature."""

    text: Any = ""


def made(kind: type[Event], **facts: Any) -> Event:
    return kind(id="lobby/1", time=datetime(2026, 11, 29, tzinfo=UTC), **facts)


def opened() -> Event:
    return made(Open, peer="memory:server", role="client", stack={"ui": "console"}, line="typed | words")


LINES = [
    (made(Message, sender=Sender(), text="hello"), ["hello"]),
    (made(Message, sender=ANN, text="hello"), ["ann: hello"]),
    (made(Message, sender=WEAK, text="hello"), ["eve [not authenticated, not encrypted]: hello"]),
    (made(Message, sender=ANN, text="waves", action=True), ["* ann waves"]),
    (made(Message, sender=WEAK, text="psst", private=True, to="ann"), [f"{marked(WEAK)}, to you alone: psst"]),
    (made(Message, sender=ANN, text="psst", private=True, to="bob", own=True), ["you, to bob alone: psst"]),
    (made(Joined, sender=WEAK), ["* [eve] [not authenticated, not encrypted] is here."]),
    (made(Joined, sender=NAMELESS), ["* [SHA256:abc] is here."]),
    (made(Left, sender=ANN), ["* [ann] has left."]),
    (made(Left, sender=ANN, reason="the connection was cut"), ["* [ann] has left: the connection was cut."]),
    (made(Renamed, sender=ANN, name="anna"), ["* [ann] is now [anna]."]),
    (made(Topic, sender=ANN, text="tea"), ["* [ann] set the topic: tea"]),
    (made(Moderated, sender=ANN, action="kick", target=BOB, reason="spam"), ["* [ann] removed [bob]: spam."]),
    (made(Moderated, sender=ANN, action="unban", target=NAMELESS), ["* [ann] lifted the ban of SHA256:abc."]),
    (made(Moderated, sender=ANN, action="tickle", target=BOB), []),
    *[
        (made(File, sender=ANN, **{"name": "tea.txt", "size": 2000, "transfer": "3", **fields}), [f"* {line}."] if line else [])
        for fields, line in (
            ({"state": "offered", "incoming": True}, "[ann] offers tea.txt (2.0 kB). /accept 3 receives it"),
            ({"state": "offered", "incoming": True, "count": 1}, "[ann] offers tea.txt/ (1 file, 2.0 kB). /accept 3 receives it"),
            ({"state": "offered", "own": True, "count": 12}, "You offer tea.txt/ (12 files, 2.0 kB). /cancel 3 takes that back"),
            ({"state": "offered"}, ""),
            ({"state": "receiving", "incoming": True}, ""),
            ({"state": "sending", "own": True}, ""),
            (
                {"state": "interrupted", "own": True, "done": 500},
                "Sending tea.txt is interrupted at 25 %. What has come is kept: the rest follows when it is offered again",
            ),
            (
                {"state": "interrupted", "incoming": True, "done": 500},
                "The file tea.txt is interrupted at 25 %. What has come is kept: the rest follows when it is offered again",
            ),
            ({"state": "withdrawn", "incoming": True}, "[ann] does not offer tea.txt any more"),
            (
                {"state": "withdrawn", "incoming": True, "done": 500},
                "[ann] does not offer tea.txt any more: 25 % has come, and is kept",
            ),
            ({"state": "withdrawn", "incoming": True, "done": 500, "size": None}, "[ann] does not offer tea.txt any more"),
            (
                {"state": "done", "incoming": True, "written": "tea (1).txt"},
                "The file tea.txt (2.0 kB) from [ann] has arrived as tea (1).txt",
            ),
            ({"state": "done", "incoming": True, "written": "tea.txt"}, "The file tea.txt (2.0 kB) from [ann] has arrived"),
            (
                {"state": "failed", "incoming": True, "reason": "it has changed"},
                "The file tea.txt has not arrived: it has changed",
            ),
            ({"state": "failed", "own": True}, "The file tea.txt cannot be sent any more"),
            ({"state": "done"}, "[ann] has received tea.txt"),
        )
    ],
    (opened(), ["Talking to memory:server over typed | words."]),
    (made(You, sender=Sender(), present=2), []),
    (made(Notice, text="The server was restarted."), ["The server was restarted."]),
    (made(Error, text="There is nobody of that name."), ["There is nobody of that name."]),
    (made(Error, text="Not sent.", hint="Split it."), ["Not sent. Split it."]),
    (made(Result, command="who", lines=("ann", "bob")), ["ann", "bob"]),
    (made(Result, command="who"), []),
    (made(Closed, reason="You said exit.", by="us"), ["You said exit."]),
    (made(Typing, sender=ANN), []),
    (made(Read, sender=ANN, last="lobby/41"), []),
    (made(Vote, sender=ANN, text="ann votes for tea"), ["ann votes for tea"]),
    (made(Vote, sender=ANN), []),
    (made(Vote, sender=ANN, text=["not", "a", "sentence"]), []),
]


@pytest.mark.parametrize(("event", "lines"), LINES, ids=lambda value: value.type if isinstance(value, Event) else "")
def test_an_event_is_these_lines(event: Event, lines: list[str]) -> None:
    assert lines_of(event) == lines


def test_every_type_of_event_is_among_those() -> None:
    assert {type(event) for event, _ in LINES} == {*TYPES, Vote}


@pytest.mark.parametrize("action", DONE)
def test_each_deed_of_an_operator_names_both(action: str) -> None:
    [line] = lines_of(made(Moderated, sender=ANN, action=action, target=BOB))
    assert line.startswith("* [ann] ")
    assert line.count("[bob]") == 1
    assert line.endswith(".")


@pytest.mark.parametrize(
    ("names", "present", "company"),
    [
        ((), 1, "nobody else"),
        (("bob",), 2, "bob"),
        (("bob", "carol"), 3, "bob, carol"),
        (("bob",), 5, "bob, 3 more"),
        ((), 3, "2 more"),
    ],
)
def test_on_coming_into_a_room_one_reads_with_whom(names: tuple[str, ...], present: int, company: str) -> None:
    others = tuple(Sender(name=name) for name in names)
    sentence = f"You are ann in lobby, with {company}. /help lists what you can do."
    you = {"sender": ANN, "room": "lobby", "present": present, "others": others}
    assert lines_of(made(You, **you)) == [sentence]
    assert lines_of(made(You, topic="tea", **you)) == [sentence, "The topic is: tea"]


@pytest.mark.parametrize(
    "report",
    [
        made(Joined, sender=ANN),
        made(Left, sender=ANN),
        made(Renamed, sender=ANN, name="bob"),
        made(Topic, sender=ANN, text="tea"),
        made(Moderated, sender=ANN, action="kick", target=BOB),
    ],
    ids=lambda report: report.type,
)
def test_what_a_member_does_never_looks_like_a_report(report: Event) -> None:
    """A report has its name in brackets, which no name can have."""
    [reported] = lines_of(report)
    assert reported.startswith("* [ann] ")
    copied = reported.removeprefix("* [ann] ")
    assert lines_of(made(Message, sender=ANN, text=copied, action=True)) == [f"* ann {copied}"]


def test_a_name_has_its_marks_beside_it() -> None:
    assert (marked(ANN), marked(NAMELESS)) == ("ann", "")
    assert marked(WEAK) == "eve [not authenticated, not encrypted]"


def test_a_reason_that_is_a_sentence_does_not_end_the_line_with_two_full_stops() -> None:
    for reason in ("No space is left.", "No space is left"):
        event = made(File, sender=ANN, name="a.txt", size=1, transfer="1", state="failed", incoming=True, reason=reason)
        assert lines_of(event) == ["* The file a.txt has not arrived: No space is left."]
