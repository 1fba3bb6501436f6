"""The row that says who types, and who has read the last message."""

import asyncio
import re
from typing import Any

import pytest
from happening import happened

from plytalk.core.contracts.events import Closed, Left, Message, Read, Renamed, Sender, Typing, You
from plytalk.plugins.chat_screen import live_signs
from plytalk.plugins.chat_screen.live_signs import MOST_SHOWN, LiveSigns, is_live


class Others:
    """Keeps the signals that they are sent."""

    def __init__(self) -> None:
        self.signals: list[Any] = []
        self.drawn = 0
        self.signs = LiveSigns(self.redraw)
        self.signs.begin(self)  # type: ignore[arg-type]

    def redraw(self) -> None:
        self.drawn += 1

    def tell_typing(self, on: bool = True) -> bool:
        self.signals.append(on)
        return True

    def tell_read(self, id: str) -> bool:
        self.signals.append(id)
        return True

    def note(self, *events: Any) -> str:
        for event in events:
            self.signs.note(event)
        return self.row

    @property
    def row(self) -> str:
        return "".join(re.sub(r"\x1b\[[\d;]*m", "", row) for row in self.signs.rows(60))


def types(name: str, on: bool = True) -> Any:
    return happened(Typing, name, on=on)


def mine(number: int) -> Any:
    return happened(Message, "bob", id=f"lobby/{number}", text="mine", own=True)


def said(number: int, **fields: Any) -> Any:
    return happened(Message, "alice", id=f"lobby/{number}", text="hers", **fields)


def read(name: str, number: int) -> Any:
    return happened(Read, name, last=f"lobby/{number}")


async def test_those_who_type_are_named_and_many_are_counted() -> None:
    others = Others()
    assert others.note(types("alice")) == "alice is typing"
    assert others.note(types("carol")) == "alice, carol are typing"
    assert others.note(types("dave"), types("erin")) == "4 members are typing"
    assert others.drawn == 4
    others.note(types("erin"))
    assert others.drawn == 4, "nothing has changed"


@pytest.mark.parametrize(
    "event",
    [types("alice", False), said(3), happened(Left, "alice"), happened(Renamed, "alice", name="ann")],
    ids=lambda event: event.type,
)
async def test_one_that_has_stopped_or_said_it_is_not_named_any_more(event: Any) -> None:
    others = Others()
    assert others.note(types("alice"), event) == ""
    assert others.note(event) == ""


async def test_one_that_says_nothing_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_signs, "LASTING", 0)
    others = Others()
    assert others.note(types("alice")) == "alice is typing"
    while others.row:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert others.drawn == 2


async def test_who_has_read_the_last_own_message_is_named_until_the_next() -> None:
    others = Others()
    assert others.note(read("alice", 9)) == "", "there is no message of mine"
    assert others.note(mine(4), read("alice", 3)) == ""
    assert others.note(read("alice", 4), read("alice", 5), read("carol", 6)) == "read by alice, carol"
    assert others.note(types("dave")) == "dave is typing · read by alice, carol"
    assert others.note(mine(7)) == "dave is typing"


async def test_a_server_that_names_members_without_end_is_believed_so_many() -> None:
    others = Others()
    names = [f"m{number}" for number in range(3 * MOST_SHOWN)]
    assert others.note(*map(types, names)) == f"{MOST_SHOWN} members are typing"
    others = Others()
    others.note(mine(7), *(read(name, 7) for name in names))
    assert len(others.signs._readers) == MOST_SHOWN


@pytest.mark.parametrize(
    "event",
    [
        happened(You, sender=Sender(name="bob"), room="kitchen"),
        happened(Closed, reason="Cut.", by="fault", exit_code=8, final=False),
    ],
    ids=lambda event: event.type,
)
async def test_in_another_room_and_after_a_cut_nothing_of_it_holds(event: Any) -> None:
    others = Others()
    assert others.note(mine(4), read("alice", 4), types("carol"), event) == ""


async def test_the_row_is_no_wider_than_the_screen() -> None:
    others = Others()
    others.note(*(types(f"long-name-{number}") for number in range(3)), mine(1), *(read(f"reader-{n}", 1) for n in range(30)))
    assert len(others.signs.rows(40)) == 1
    assert len(others.row) <= 60


# -- what the user does ---------------------------------------------------------------------------------------------------


async def test_typing_is_told_once_for_a_while_and_its_end_when_the_line_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    others = Others()
    for text in ("h", "he", "hel"):
        others.signs.changed(text)
    assert others.signals == [True]
    others.signs.changed("")
    others.signs.changed("")
    assert others.signals == [True, False]
    monkeypatch.setattr(live_signs, "AGAIN", 0)
    for text in ("h", "he"):
        others.signs.changed(text)
    assert others.signals == [True, False, True, True]


async def test_a_message_that_was_entered_ends_it_without_a_word() -> None:
    others = Others()
    others.signs.changed("h")
    others.signs.entered()
    others.signs.changed("")
    others.signs.changed("n")
    assert others.signals == [True, True]


async def test_nobody_is_told_of_commands_and_blanks() -> None:
    others = Others()
    for text in ("/", "/msg alice psst", "  ", ""):
        others.signs.changed(text)
    assert others.signals == []
    for text in ("hello", "/hello"):
        others.signs.changed(text)
    assert others.signals == [True, False]


async def test_all_that_was_shown_is_read_at_the_next_key_and_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_signs, "PAUSE", 0.01)
    others = Others()
    others.signs.pressed()
    others.note(said(1), said(2))
    assert others.signals == []
    others.signs.pressed()
    others.signs.pressed()
    assert others.signals == ["lobby/2"]
    others.note(said(3))
    others.signs.pressed()
    others.note(said(4))
    assert others.signals == ["lobby/2"]
    while others.signals[-1] == "lobby/2":  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert others.signals == ["lobby/2", "lobby/3"]


async def test_before_a_conversation_nothing_is_told() -> None:
    signs = LiveSigns(lambda: None)
    signs.changed("h")
    signs.note(said(1))
    signs.pressed()
    assert signs.rows(80) == []


def test_both_are_of_the_moment() -> None:
    assert [is_live(event) for event in (types("alice"), read("alice", 1), said(1))] == [True, True, False]
