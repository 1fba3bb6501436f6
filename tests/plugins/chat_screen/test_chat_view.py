"""A conversation on a terminal: the rows above the line, and what is still open."""

import asyncio
import re
from typing import Any

import pytest
from happening import NOW, happened

from plytalk.core.contracts.events import (
    Closed,
    Error,
    Joined,
    Left,
    Message,
    Moderated,
    Notice,
    Open,
    Read,
    Renamed,
    Result,
    Sender,
    Typing,
    You,
)
from plytalk.plugins.chat_screen import chat_view
from plytalk.plugins.chat_screen.chat_view import Calls, ChatView
from plytalk.plugins.chat_screen.event_rows import EventRows
from plytalk.testing.verdict import idle

OTHERS = Sender(name="alice", key="SHA256:alice"), Sender(name="carol", key="SHA256:carol")


class Terminal:
    """A terminal that keeps what is printed on it, and a conversation that keeps the lines said in it."""

    visible, columns = True, 60
    address, failed, ending = "host:1", False, None

    def __init__(self, calls: Calls = Calls(), **options: Any) -> None:  # noqa: B008
        self.printed: list[str] = []
        self.raw: list[str] = []
        self.said: list[str] = []
        self.signals: list[bool | str] = []
        self.cleared = self.drawn = 0
        self.view = ChatView(EventRows("Type Message: ", "Message Received: ", True, day=NOW.date()), calls, **options)
        self.view.printer = self
        self.view.begin(self)  # type: ignore[arg-type]

    def print_above(self, line: str) -> None:
        self.printed.append(re.sub(r"\x1b\[[\d;]*m", "", line))

    def redraw(self) -> None:
        self.drawn += 1

    def clear(self) -> None:
        self.cleared += 1

    def write_raw(self, sequence: str) -> None:
        self.raw.append(sequence)

    def say(self, text: str) -> None:
        self.said.append(text)

    def tell_typing(self, on: bool = True) -> bool:
        self.signals.append(on)
        return True

    def tell_read(self, id: str) -> bool:
        self.signals.append(id)
        return True

    def exit(self, text: str = "exit") -> None:
        self.said.append(text)

    def show(self, *events: Any) -> None:
        for event in events:
            self.view.note(event)
            self.view.show(event)

    def enter(self, *lines: str) -> None:
        for line in lines:
            self.view.enter(line, self)  # type: ignore[arg-type]

    @property
    def live(self) -> list[str]:
        return [re.sub(r"\x1b\[[\d;]*m|(?<=m)\d\d:\d\d ", "", row) for row in self.view.live_rows(60)]


def in_a_room(calls: Calls = Calls(), **options: Any) -> Terminal:  # noqa: B008
    terminal = Terminal(calls, **options)
    terminal.show(happened(You, sender=Sender(name="bob", key="SHA256:bob"), room="lobby", present=3, others=OTHERS))
    terminal.printed.clear()
    return terminal


def own(text: str) -> Message:
    return happened(Message, "bob", text=text, own=True)


async def test_the_prompt_is_the_room() -> None:
    assert Terminal().view.prompt() == "Type Message: "
    assert in_a_room().view.prompt() == "[lobby] "
    assert in_a_room(names_room=False).view.prompt() == "Type Message: "


async def test_an_own_line_is_open_until_it_is_accepted_and_then_stands_once() -> None:
    terminal = in_a_room()
    terminal.enter("hello")
    assert terminal.live == ["bob: hello"]
    assert terminal.printed == []
    terminal.show(own("hello"))
    assert terminal.live == []
    assert terminal.printed == ["12:31 bob: hello"]
    assert terminal.said == ["hello"]


async def test_during_a_cut_a_line_is_shown_once_and_marked_as_not_sent_until_it_is() -> None:
    terminal = in_a_room()
    terminal.show(happened(Closed, reason="Cut.", by="fault", exit_code=8, final=False))
    terminal.enter("during the cut")
    assert terminal.live == ["bob: during the cut (not sent)"]
    terminal.show(happened(Open, peer="host:1", role="client", stack={}, line="tcp"))
    assert terminal.live == ["bob: during the cut"]
    terminal.show(own("during the cut"))
    assert terminal.live == []
    assert terminal.printed[-1] == "12:31 bob: during the cut"
    assert sum("during the cut" in line for line in terminal.printed) == 1


async def test_what_was_never_accepted_is_told_at_the_end() -> None:
    terminal = in_a_room()
    terminal.enter("lost")
    assert [line[6:] for line in terminal.view.unsent()] == ["lost (not sent)"]


async def test_one_line_stands_between_what_was_said_before_and_what_is_new() -> None:
    terminal = in_a_room()
    old = [happened(Message, text=text, replayed=True) for text in ("one", "two")]
    terminal.show(old[0], happened(Joined, "carol", replayed=True), old[1], happened(Left, "carol", replayed=True))
    terminal.show(happened(Joined, "dave"), happened(Message, "dave", text="three"))
    assert terminal.printed == [
        "12:31 alice: one",
        "12:31 alice: two",
        "--- 2 earlier messages ---",
        "12:31 * [dave] is here.",
        "12:31 dave: three",
    ]


async def test_the_line_comes_by_itself_where_nothing_new_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_view, "SETTLED", 0.01)
    terminal = in_a_room()
    terminal.show(happened(Message, text="one", replayed=True), happened(Message, text="two", replayed=True))
    async with asyncio.timeout(180):
        while len(terminal.printed) < 3:
            await idle()
    terminal.show(happened(Message, text="new"))
    assert terminal.printed[2:] == ["--- 2 earlier messages ---", "12:31 alice: new"]


async def test_what_was_missed_during_a_cut_calls_the_reader_and_what_was_said_before_does_not() -> None:
    terminal = in_a_room(calls=Calls(bell=True))
    mention = {"text": "bob: are you there?", "replayed": True}
    terminal.show(happened(Message, **mention))
    assert "\a" not in terminal.raw
    opening = {"peer": "host:1", "role": "client", "stack": {}, "line": ""}
    terminal.show(happened(Open, **opening), happened(Open, **opening), happened(Message, **mention))
    assert terminal.raw.count("\a") == 1


async def test_a_member_who_is_ignored_is_not_heard_under_any_name() -> None:
    terminal = in_a_room()
    terminal.enter("/ignore alice")
    renamed = Sender(name="alicia", key="SHA256:alice")
    terminal.show(
        happened(Message, text="spam"), happened(Renamed, name="alicia"), happened(Message, sender=renamed, text="more")
    )
    assert terminal.printed == ["What alice says is hidden until you type /ignore alice", "  again."]
    assert terminal.said == []


async def test_what_one_says_at_another_terminal_with_an_ignored_key_is_shown_as_own() -> None:
    terminal = in_a_room()
    terminal.enter("/ignore alice")
    terminal.printed.clear()
    terminal.show(happened(Message, text="mine", own=True))
    assert terminal.printed == ["12:31 alice: mine"]


async def test_a_role_that_an_ignored_operator_gives_is_shown() -> None:
    terminal = in_a_room()
    terminal.enter("/ignore alice")
    terminal.printed.clear()
    you = {"sender": Sender(name="bob"), "room": "lobby", "present": 2, "others": OTHERS}
    terminal.show(happened(Moderated, action="op", target=Sender(name="bob")), happened(You, **you, operator=True))
    assert [row for row in terminal.printed if row.startswith("You are bob in lobby")]


async def test_local_commands_are_not_said_and_others_are() -> None:
    terminal = in_a_room()
    terminal.enter("/clear", "/who", "/quit")
    assert terminal.cleared == 1
    assert terminal.said == ["/who", "exit"]


async def test_tab_knows_who_is_here_and_where_the_user_has_been() -> None:
    terminal = in_a_room()
    terminal.show(happened(Message, "carol", text="hello"))
    words = terminal.view.words()
    assert list(words.names) == ["carol", "alice"]
    assert list(words.rooms) == ["lobby"]
    terminal.show(happened(Result, command="help", data=[{"name": "kick"}, {"name": "roll"}]))
    assert {"roll", "quit", "kick"} <= set(terminal.view.words().commands)


async def test_bell_and_title_call_for_what_others_say_now() -> None:
    terminal = in_a_room(Calls(bell=True, title=True))
    terminal.raw.clear()
    terminal.show(own("bob, bob"), happened(Message, text="bob!", replayed=True), happened(Joined, "dave"))
    assert terminal.raw == []
    terminal.show(happened(Message, text="hello"), happened(Message, text="bob!"))
    assert terminal.raw == ["\x1b]2;(1) lobby\a", "\x1b]2;(2) lobby\a", "\a"]
    terminal.view.attention.typed()
    assert terminal.raw[-1] == "\x1b]2;lobby\a"
    terminal.visible = False
    terminal.show(happened(Message, text="bob!"))
    assert terminal.raw[-1] == "\x1b]2;lobby\a", "the screen is not ours"


async def test_without_names_lines_stay_as_they_were_typed() -> None:
    terminal = Terminal()
    terminal.enter("hello")
    terminal.show(happened(Message, None, text="hello", own=True), happened(Message, None, text="and you"))
    terminal.enter("/quit", " Exit ")
    assert terminal.printed == ["Type Message: hello", "Message Received: and you", "Type Message:  Exit "]
    assert terminal.said == ["hello", "/quit", " Exit "], "a program that knows no commands is sent everything"


async def test_notices_stand_among_the_rest() -> None:
    terminal = in_a_room()
    terminal.show(happened(Notice, text="Something to know."))
    assert terminal.printed == ["Something to know."]


async def test_who_the_user_is_is_said_once_for_each_change() -> None:
    terminal = in_a_room()
    al = Sender(name="al", key="SHA256:bob")
    terminal.show(happened(Renamed, "bob", name="al", own=True), happened(You, sender=al, room="lobby"))
    for action in ("op", "deop"):
        terminal.show(happened(Moderated, "alice", action=action, target=al))
        terminal.show(happened(You, sender=al, room="lobby", operator=action == "op"))
    assert [row for row in terminal.printed if row.startswith("You are")] == []
    for change in (
        {"room": "kitchen"},
        {"room": "kitchen", "operator": True},
        {"room": "kitchen", "sender": Sender(name="al-2")},
    ):
        terminal.printed.clear()
        terminal.show(happened(You, **{"sender": al, **change}))
        assert terminal.printed[0].startswith("You are al")
    terminal.printed.clear()
    again = happened(Open, peer="host:1", role="client", stack={}, line="u16")
    terminal.show(again, happened(You, sender=Sender(name="al-2"), room="kitchen"))
    assert any(row.startswith("You are al-2 in kitchen") for row in terminal.printed), "the server was restarted"


async def test_an_answer_stands_below_the_line_that_ends_what_was_said_before() -> None:
    terminal = in_a_room()
    terminal.show(happened(Message, "alice", text="old", replayed=True), happened(Error, text="There is no command /part."))
    assert [row[-30:] for row in terminal.printed][-2:] == ["--- 1 earlier message ---", "There is no command /part."[-30:]]


# -- what is of the moment ------------------------------------------------------------------------------------------------


async def test_who_types_stands_below_what_is_not_sent_and_nothing_is_printed() -> None:
    terminal = in_a_room()
    terminal.show(happened(Message, text="earlier", replayed=True))
    terminal.enter("hello")
    printed = [*terminal.printed]
    terminal.show(happened(Typing, "alice"), happened(Read, "alice", last="lobby/1"))
    assert terminal.live == ["bob: hello", "alice is typing"]
    assert terminal.printed == printed


async def test_of_one_that_is_ignored_nothing_is_shown() -> None:
    terminal = in_a_room()
    terminal.enter("/ignore alice")
    terminal.show(happened(Typing, "alice"))
    assert terminal.live == []


async def test_keys_tell_the_others_what_is_read_and_typed() -> None:
    terminal = in_a_room()
    message = happened(Message, text="hello")
    terminal.show(message)
    terminal.view.pressed()
    terminal.view.signs.changed("h")
    terminal.enter("hi")
    terminal.view.signs.changed("")
    assert terminal.signals == [message.id, True]
