"""The user's own lines until the server has them."""

import re

from happening import happened

from plytalk.core.contracts.events import Closed, Error, Message, Open
from plytalk.plugins.chat_screen.pending_lines import PendingLines


def shown(pending: PendingLines) -> list[str]:
    return [re.sub(r"\x1b\[[\d;]*m|^\d\d:\d\d ", "", re.sub(r"\x1b\[[\d;]*m", "", row)) for row in pending.rows("bob", "> ", 60)]


def typed(*lines: str, is_cut: bool = False) -> PendingLines:
    pending = PendingLines(is_cut=is_cut)
    for line in lines:
        pending.add(line)
    return pending


def test_a_line_stands_there_until_it_comes_back() -> None:
    pending = typed("one", "two")
    assert shown(pending) == ["bob: one", "bob: two"]
    pending.note(happened(Message, "alice", text="one"))
    assert len(shown(pending)) == 2, "another member can say the same"
    pending.note(happened(Message, "bob", text="one", replayed=True))
    assert len(shown(pending)) == 2, "it was said before this conversation"
    pending.note(happened(Message, "bob", text="one", own=True))
    assert shown(pending) == ["bob: two"]


def test_a_line_that_comes_back_after_a_cut_is_accepted() -> None:
    pending = typed("one")
    pending.note(happened(Message, "bob", text="one", own=True, replayed=True))
    assert shown(pending) == []


def test_what_comes_back_drops_what_was_refused_before_it() -> None:
    pending = typed("muted", "heard")
    pending.note(happened(Message, "bob", text="heard", own=True))
    assert shown(pending) == []


def test_an_error_that_belongs_to_no_command_is_about_the_first_line() -> None:
    pending = typed("too long", "fine")
    pending.note(happened(Error, text="No.", command="kick", request="1"))
    assert len(shown(pending)) == 2
    pending.note(happened(Error, text="No."))
    assert shown(pending) == ["bob: fine"]


def test_of_lines_that_wait_the_one_that_is_too_long_is_dropped_as_that() -> None:
    pending = typed("fine", "far longer than fine", "last")
    pending.note(happened(Error, text="No.", code="too-long"))
    assert shown(pending) == ["bob: fine", "bob: last"]
    typed().note(happened(Error, text="No.", code="too-long"))


def test_blank_lines_and_commands_do_not_wait_but_two_slashes_begin_a_message() -> None:
    assert shown(typed("", "  ", "/who", "//etc is a folder")) == ["bob: //etc is a folder"]


def test_during_a_cut_everything_waits_and_says_so() -> None:
    pending = typed("before")
    pending.note(happened(Closed, reason="Cut.", by="fault", exit_code=8, final=False))
    pending.add("/who")
    assert shown(pending) == ["bob: before (not sent)", "bob: /who (not sent)"]
    pending.note(happened(Open, peer="host:1", role="client", stack={}, line="tcp"))
    assert shown(pending) == ["bob: before"]


def test_many_of_them_do_not_fill_the_screen() -> None:
    assert shown(typed(*map(str, range(50)))) == [f"bob: {number}" for number in range(44, 50)]
    assert len(typed("word " * 200).rows("bob", "> ", 40)) == 6


def test_without_a_name_the_prompt_stands_before_a_line() -> None:
    assert typed("one").rows("", "> ", 40) == ["\x1b[2m> one\x1b[m"]


def test_what_was_never_sent_is_given_once() -> None:
    pending = typed("one\ntwo\x1b[2J")
    assert [line[6:] for line in pending.take()] == ["one␊two␛[2J (not sent)"]
    assert pending.take() == []
