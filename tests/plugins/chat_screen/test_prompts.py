"""The input line of prompt_toolkit, without a terminal. What people then see is in tests/system/terminal."""

import asyncio
import io
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pyte
import pytest

pytest.importorskip("termios", reason="needs the terminals of Unix")

from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input

from plytalk.core.contracts.questions import Question
from plytalk.plugins.chat_screen import chat_keys, prompts
from plytalk.plugins.chat_screen.prompts import Prompt
from plytalk.plugins.chat_screen.terminal import TerminalOutput
from plytalk.plugins.chat_screen.word_completion import Vocabulary
from plytalk.testing.verdict import idle

ASKED = Question(1, "Trust it?")
ROWS, COLUMNS = 10, 41


class Clock:
    """A loop's clock, on which time passes when a test says so: a hint that goes after a second stays until it has been seen."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, Callable[[], object]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, call: Callable[[], object]) -> None:
        self._due.append((self.now + seconds, call))

    def wait(self, seconds: float) -> None:
        self.now += seconds
        for _, call in [one for one in self._due if one[0] <= self.now]:
            call()


class Screen:
    """What the input line draws."""

    def __init__(self, keys: PipeInput) -> None:
        self.drawn, self.keys = io.StringIO(), keys
        self.lost: list[bool] = []
        self.clock = Clock()
        output = TerminalOutput(self.drawn, lambda: Size(ROWS, COLUMNS))
        output.lost = lambda error: self.lost.append(True)
        self.terminal = keys, output

    @property
    def rows(self) -> list[str]:
        screen = pyte.Screen(COLUMNS, ROWS)
        pyte.Stream(screen).feed(self.drawn.getvalue())
        return [row.rstrip() for row in screen.display if row.strip()]

    async def until(self, *rows: str) -> None:
        async with asyncio.timeout(180):
            while self.rows[-len(rows) :] != list(rows):
                await idle()


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    with create_pipe_input() as keys:
        made = Screen(keys)
        monkeypatch.setattr(chat_keys, "asyncio", SimpleNamespace(get_running_loop=lambda: made.clock))
        monkeypatch.setattr(prompts, "terminal", lambda lost: made.terminal)
        yield made


@asynccontextmanager
async def line_on(screen: Screen, **given: Any) -> AsyncIterator[Prompt]:
    """The input line, with its prompt on the screen."""
    line = Prompt(lambda: "> ", lambda error: None, **given)
    async with line.shown():
        await screen.until(">")
        yield line


async def test_a_line_and_what_arrives_above_it(screen: Screen) -> None:
    async with line_on(screen) as line:
        screen.keys.send_text("half")
        await screen.until("> half")
        assert line.visible
        line.print_above("arriving")
        await screen.until("arriving", "> half")
        screen.keys.send_text(" typed\r")
        assert await line.lines() == ["half typed"]
        await screen.until("arriving", ">")
    assert not line.visible
    line.print_above("afterwards")
    assert screen.rows == ["arriving", "afterwards"]


async def test_the_next_line_can_be_typed_before_anybody_takes_the_first(screen: Screen) -> None:
    async with line_on(screen) as line:
        screen.keys.send_text("one\rtwo\rthr")
        await screen.until("> thr")
        assert await line.lines() == ["one", "two"]
        screen.keys.send_text("ee\r")
        assert await line.lines() == ["three"]


async def test_a_question_takes_the_line_and_gives_it_back(screen: Screen) -> None:
    async with line_on(screen) as line:
        screen.keys.send_text("yes, half\x1b[D")
        await screen.until("> yes, half")
        asking = asyncio.create_task(line.answer(ASKED))
        await screen.until("Trust it? [yes/no]")
        screen.keys.send_text("maybe\r")
        assert await asking == "maybe"
        await screen.until("Trust it? [yes/no] maybe", "> yes, half")
        screen.keys.send_text("X\r")
        assert await line.lines() == ["yes, halXf"], "the cursor stands where it stood"


async def takes_only_what_is_typed_now(line: Prompt, screen: Screen) -> None:
    """Only what is typed after the question answers it."""
    asking = asyncio.create_task(line.answer(ASKED))
    await screen.until("Trust it? [yes/no]")
    screen.keys.send_text("no\r")
    assert await asking == "no"


async def test_typed_ahead_input_is_no_answer(screen: Screen) -> None:
    line = Prompt(lambda: "> ", lambda error: None)
    screen.keys.send_text("yes\r")
    await takes_only_what_is_typed_now(line, screen)


async def test_keys_behind_a_line_are_no_answer(screen: Screen) -> None:
    async with line_on(screen) as line:
        screen.keys.send_text("hello\ryes\r")
        assert await line.lines() == ["hello", "yes"]
        await takes_only_what_is_typed_now(line, screen)


async def test_a_withdrawn_question_is_not_on_the_screen_any_more(screen: Screen) -> None:
    async with line_on(screen) as line:
        asking = asyncio.create_task(line.answer(ASKED))
        await screen.until("Trust it? [yes/no]")
        screen.keys.send_text("ye")
        await screen.until("Trust it? [yes/no] ye")
        asking.cancel()
        await screen.until(">")
        assert screen.rows == [">"]
        screen.keys.send_text("s\r")
        assert await line.lines() == ["s"]


async def test_control_d_is_the_end_of_lines_and_of_answers(screen: Screen) -> None:
    async with line_on(screen) as line:
        asking = asyncio.create_task(line.answer(ASKED))
        await screen.until("Trust it? [yes/no]")
        screen.keys.send_text("\x04")
        assert await asking is None
        await screen.until(">")
        screen.keys.send_text("last\r\x04")
        assert await line.lines() == ["last"]
        assert await line.lines() is None


# -- keys --------------------------------------------------------------------------------------------------------------------


async def test_what_is_pasted_is_one_message_and_sent_by_enter_alone(screen: Screen) -> None:
    async with line_on(screen) as line:
        screen.keys.send_text("\x1b[200~one\r\ntwo\r\n\x1b[201~")
        await screen.until("2 lines: Enter sends them as one message", "> one", "two")
        screen.keys.send_text("\r")
        assert await line.lines() == ["one\ntwo"]


async def test_alt_enter_begins_another_row(screen: Screen) -> None:
    async with line_on(screen) as line:
        screen.keys.send_text("one\x1b\rtwo\r")
        assert await line.lines() == ["one\ntwo"]


async def test_control_c_clears_the_line_and_twice_interrupts(screen: Screen) -> None:
    interrupts: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
    try:
        async with line_on(screen) as line:
            screen.keys.send_text("half\x03")
            await screen.until("Press Ctrl-C again to end the chat.", ">")
            screen.keys.send_text("other\x03")
            await screen.until("Press Ctrl-C again to end the chat.", ">")
            assert interrupts == [], "something was typed in between"
            screen.keys.send_text("whole\r")
            assert await line.lines() == ["whole"]
            screen.keys.send_text("\x03\x03")
            async with asyncio.timeout(180):
                while not interrupts:
                    await idle()
    finally:
        signal.signal(signal.SIGINT, before)


async def test_a_slow_second_control_c_clears_again(screen: Screen) -> None:
    async with line_on(screen) as line:
        screen.keys.send_text("\x03")
        await screen.until("Press Ctrl-C again to end the chat.", ">")
        screen.clock.wait(chat_keys.TWICE)
        await screen.until(">")
        while len(screen.rows) > 1:
            await idle()
        screen.keys.send_text("\x03")
        await screen.until("Press Ctrl-C again to end the chat.", ">")
        screen.keys.send_text("still here\r")
        assert await line.lines() == ["still here"]


async def test_tab_completes_and_shows_the_candidates(screen: Screen) -> None:
    async with line_on(screen, words=lambda: Vocabulary(["alice", "alicia"])) as line:
        screen.keys.send_text("/msg a\t")
        await screen.until("alice  alicia", "> /msg alic")
        screen.keys.send_text("\t")
        await screen.until("alice  alicia", "> /msg alice")
        screen.keys.send_text("\t\x1b[Z")  # and back
        await screen.until("alice  alicia", "> /msg alice")
        screen.keys.send_text("psst\r")
        assert await line.lines() == ["/msg alice psst"]


async def test_arrows_recall_and_control_r_searches_what_was_said(screen: Screen) -> None:
    async with line_on(screen) as line:
        for said in ("first", "second"):
            screen.keys.send_text(f"{said}\r")
            assert await line.lines() == [said]
        while len(line._chat.default_buffer._working_lines) < 3:  # prompt_toolkit hands them over in its next turns
            await idle()
        screen.keys.send_text("\x1b[A\x1b[A")
        await screen.until("> first")
        screen.keys.send_text("\x1b[B")
        await screen.until("> second")
        screen.keys.send_text("\x03")
        await screen.until("Press Ctrl-C again to end the chat.", ">")
        screen.keys.send_text("\x12fir")
        await screen.until("(reverse-i-search)`fir': first")
        screen.keys.send_text("\r")
        await screen.until("> first")
        screen.keys.send_text("\r")
        assert await line.lines() == ["first"]


async def test_tab_begins_again_where_something_else_was_typed_since(screen: Screen) -> None:
    async with line_on(screen, words=lambda: Vocabulary(["alice"], (), ("me", "msg"))) as line:
        screen.keys.send_text("/m\t\t\t")
        await screen.until("/me  /msg", "> /msg")
        screen.keys.send_text("\x03")
        await screen.until("Press Ctrl-C again to end the chat.", ">")
        screen.keys.send_text("/msg ")
        await screen.until("> /msg")
        screen.keys.send_text("\t")
        await screen.until("> /msg alice")
        screen.keys.send_text("psst\r")
        assert await line.lines() == ["/msg alice psst"]


async def searching(screen: Screen, line: Prompt) -> None:
    """Somebody has said something, has half-typed a line, and looks for what was said."""
    screen.keys.send_text("first\r")
    assert await line.lines() == ["first"]
    while len(line._chat.default_buffer._working_lines) < 2:
        await idle()
    screen.keys.send_text("half \x12fi")
    await screen.until("(reverse-i-search)`fi': first")


async def test_control_c_ends_a_search_and_keeps_the_line(screen: Screen) -> None:
    async with line_on(screen) as line:
        await searching(screen, line)
        screen.keys.send_text("\x03")
        await screen.until("> half")
        screen.keys.send_text("typed\r")
        assert await line.lines() == ["half typed"]


async def test_a_paste_in_a_search_goes_into_the_line(screen: Screen) -> None:
    async with line_on(screen) as line:
        await searching(screen, line)
        screen.keys.send_text("\x1b[200~one\rtwo\x1b[201~")
        await screen.until("2 lines: Enter sends them as one message", "> half one", "two")
        screen.keys.send_text("\r")
        assert await line.lines() == ["half one\ntwo"]


async def test_every_key_is_told(screen: Screen) -> None:
    keys: list[None] = []
    async with line_on(screen, typed=lambda: keys.append(None)):
        screen.keys.send_text("abc")
        await screen.until("> abc")
    assert len(keys) == 3


# -- the rows above the line, and what is for the moment --------------------------------------------------------------------


async def test_rows_for_the_moment_stand_between_what_happened_and_the_line(screen: Screen) -> None:
    rows = ["pending"]
    async with line_on(screen, rows=lambda columns: rows) as line:
        line.print_above("happened")
        await screen.until("happened", "pending", ">")
        rows.clear()
        line.redraw()
        await screen.until("happened", ">")
        line.clear()
        await screen.until(">")
        while screen.rows != [">"]:
            await idle()


async def test_a_line_that_cannot_be_drawn_raises_where_lines_are_taken(screen: Screen) -> None:
    def broken(columns: int) -> list[str]:
        if columns:
            raise ValueError("broken")
        return []

    line = Prompt(lambda: "> ", lambda error: None, broken)
    async with line.shown():
        with pytest.raises(ValueError, match="broken"):
            await line.lines()


async def test_characters_that_the_terminal_does_not_know_are_shown_by_their_numbers(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Prompt(lambda: "> ", lambda error: None)
    monkeypatch.setattr("sys.__stdout__", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    line.print_above("caf\u00e9 \ud800")
    assert screen.drawn.getvalue().endswith("caf\\xe9 \\ud800\r\n")


async def test_a_screen_that_is_gone_raises_nothing(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(screen.drawn, "write", gone)
    Prompt(lambda: "> ", lambda error: None).print_above("nobody reads this")
    assert set(screen.lost) == {True}
