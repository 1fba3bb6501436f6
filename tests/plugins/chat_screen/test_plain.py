"""Lines of a terminal without escape sequences. What people then see is in tests/system/terminal."""

import asyncio
import io
import os
from collections.abc import Iterator

import pytest

from plytalk.core.contracts.questions import Question
from plytalk.testing.verdict import idle

pytest.importorskip("termios", reason="needs the terminals of Unix")

from plytalk.plugins.chat_screen.plain import Above, Plain, without_echo

ASKED = Question(1, "Trust it?")


class Terminal:
    """Both ends of a terminal: what is typed, and what is printed on standard output."""

    def __init__(self) -> None:
        self.keys, self.fd = os.openpty()
        self.plain = Plain("> ", self.fd)

    def type(self, text: str) -> None:
        os.write(self.keys, text.encode())


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    os.close(made.keys)
    os.close(made.fd)


async def test_lines_come_as_they_are_typed(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.type("one\ntwo\n")
    assert await terminal.plain.lines() == ["one"]
    assert await terminal.plain.lines() == ["two"]
    terminal.type("\x04")
    assert await terminal.plain.lines() is None
    terminal.type("once more\n")
    assert await terminal.plain.lines() == ["once more"], "Control-D ends a conversation, not the terminal"
    assert "\x1b" not in capsys.readouterr().out


async def test_an_answer_is_what_is_typed_after_the_question(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.type("yes\nye")
    asking = asyncio.create_task(terminal.plain.answer(ASKED))
    await idle()
    assert capsys.readouterr().out == "Trust it? [yes/no] "
    terminal.type("s\n")
    assert await asking == "s"


async def test_the_half_typed_line_of_the_chat_is_kept(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    lines = asyncio.create_task(terminal.plain.lines())
    await idle()
    terminal.type("half ty")
    asking = asyncio.create_task(terminal.plain.answer(ASKED))
    await idle()
    assert not lines.done()
    terminal.type("yes\n")
    assert await asking == "yes"
    assert capsys.readouterr().out.endswith("> half ty")
    terminal.type("ped\n")
    assert await lines == ["half typed"]


async def test_a_withdrawn_question_takes_nothing_along(terminal: Terminal) -> None:
    lines = asyncio.create_task(terminal.plain.lines())
    asking = asyncio.create_task(terminal.plain.answer(ASKED))
    await idle()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    terminal.type("for the chat\n")
    assert await lines == ["for the chat"]


async def test_what_arrives_has_rows_of_its_own(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    async with terminal.plain.shown():
        lines = asyncio.create_task(terminal.plain.lines())
        await idle()
        for line in ("one", "two"):
            terminal.plain.print_above(line)
        assert terminal.plain.visible
        terminal.type("typed\n")
        assert await lines == ["typed"]
    assert capsys.readouterr().out.startswith("> \none\ntwo\n")
    assert not terminal.plain.visible


async def test_a_terminal_that_hangs_up_is_at_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    keys, fd = os.openpty()
    lines = asyncio.create_task(Plain("> ", fd).lines())
    await idle()
    os.close(keys)
    assert await lines is None
    os.close(fd)


def test_without_echo_the_terminal_is_as_before_afterwards(terminal: Terminal) -> None:
    import termios

    before = termios.tcgetattr(terminal.fd)
    with without_echo(terminal.fd):
        assert not termios.tcgetattr(terminal.fd)[3] & (termios.ECHO | termios.ICANON)
    assert termios.tcgetattr(terminal.fd) == before
    with without_echo(os.open(os.devnull, os.O_RDONLY)):
        """Nothing to change, and no error."""


async def test_other_prints_stand_above_too_from_any_thread() -> None:
    shown: list[str] = []
    stream = Above(io.StringIO(), shown.append)
    print("one\ntwo", file=stream, end="")
    assert shown == ["one"]
    await asyncio.to_thread(print, file=stream)
    await idle()
    assert shown == ["one", "two"]
    assert stream.isatty()
    assert stream.writable()
