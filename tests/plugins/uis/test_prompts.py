"""The input line of prompt_toolkit, without a terminal. What people then see is in tests/system/terminal."""

import asyncio
import io
from collections.abc import Iterator

import pyte
import pytest

pytest.importorskip("termios", reason="needs the terminals of Unix")

from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input

from plytalk.core.contracts.questions import Question
from plytalk.plugins.uis import prompts
from plytalk.plugins.uis.prompts import Prompt
from plytalk.plugins.uis.terminal import TerminalOutput
from plytalk.testing.verdict import idle

ASKED = Question(1, "Trust it?")
ROWS, COLUMNS = 10, 40


class Screen:
    """What the input line draws."""

    def __init__(self, keys: PipeInput) -> None:
        self.drawn, self.keys = io.StringIO(), keys
        self.lost: list[bool] = []
        output = TerminalOutput(self.drawn, lambda: Size(ROWS, COLUMNS))
        output.lost = lambda error: self.lost.append(True)
        self.terminal = keys, output

    @property
    def rows(self) -> list[str]:
        screen = pyte.Screen(COLUMNS, ROWS)
        pyte.Stream(screen).feed(self.drawn.getvalue())
        return [row.rstrip() for row in screen.display if row.strip()]

    async def until(self, *rows: str) -> None:
        async with asyncio.timeout(30):
            while self.rows[-len(rows) :] != list(rows):
                await idle()


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    with create_pipe_input() as keys:
        made = Screen(keys)
        monkeypatch.setattr(prompts, "terminal", lambda lost: made.terminal)
        yield made


def line_of(screen: Screen) -> Prompt:
    return Prompt("> ", lambda error: None)


async def test_a_line_and_what_arrives_above_it(screen: Screen) -> None:
    line = line_of(screen)
    lines = asyncio.create_task(line.lines())
    screen.keys.send_text("half")
    await screen.until("> half")
    assert line.visible
    line.print_above("arriving")
    await screen.until("arriving", "> half")
    screen.keys.send_text(" typed\r")
    assert await lines == ["half typed"]
    line.print_above("afterwards")
    assert screen.rows[-2:] == ["> half typed", "afterwards"]
    assert not line.visible


async def test_a_question_takes_the_line_and_gives_it_back(screen: Screen) -> None:
    line = line_of(screen)
    lines = asyncio.create_task(line.lines())
    screen.keys.send_text("yes, half\x1b[D")
    await screen.until("> yes, half")
    asking = asyncio.create_task(line.answer(ASKED))
    await screen.until("Trust it? [yes/no]")
    screen.keys.send_text("maybe\r")
    assert await asking == "maybe"
    await screen.until("Trust it? [yes/no] maybe", "> yes, half")
    screen.keys.send_text("X\r")
    assert await lines == ["yes, halXf"], "the cursor stands where it stood"


async def test_typed_ahead_input_is_no_answer(screen: Screen) -> None:
    line = line_of(screen)
    screen.keys.send_text("yes\r")
    asking = asyncio.create_task(line.answer(ASKED))
    await screen.until("Trust it? [yes/no]")
    screen.keys.send_text("no\r")
    assert await asking == "no"


async def test_keys_behind_a_line_are_no_answer(screen: Screen) -> None:
    line = line_of(screen)
    lines = asyncio.create_task(line.lines())
    await screen.until(">")
    screen.keys.send_text("hello\ryes\r")
    assert await lines == ["hello"]
    asking = asyncio.create_task(line.answer(ASKED))
    await screen.until("Trust it? [yes/no]")
    screen.keys.send_text("no\r")
    assert await asking == "no"


async def test_a_withdrawn_question_is_not_on_the_screen_any_more(screen: Screen) -> None:
    line = line_of(screen)
    lines = asyncio.create_task(line.lines())
    await screen.until(">")
    asking = asyncio.create_task(line.answer(ASKED))
    await screen.until("Trust it? [yes/no]")
    screen.keys.send_text("ye")
    await screen.until("Trust it? [yes/no] ye")
    asking.cancel()
    await screen.until(">")
    assert screen.rows == [">"]
    screen.keys.send_text("s\r")
    assert await lines == ["s"]


async def test_a_cancelled_line_is_forgotten(screen: Screen) -> None:
    line = line_of(screen)
    lines = asyncio.create_task(line.lines())
    screen.keys.send_text("half")
    await screen.until("> half")
    lines.cancel()
    await asyncio.gather(lines, return_exceptions=True)
    lines = asyncio.create_task(line.lines())
    await idle()
    screen.keys.send_text("whole\r")
    assert await lines == ["whole"]


async def test_control_d_is_the_end_of_lines_and_of_answers(screen: Screen) -> None:
    line = line_of(screen)
    for waits in (line.lines(), line.answer(ASKED)):
        waiting = asyncio.create_task(waits)  # type: ignore[arg-type]
        await idle()
        screen.keys.send_text("\x04")
        assert await waiting is None


async def test_what_is_pasted_may_have_several_lines(screen: Screen) -> None:
    lines = asyncio.create_task(line_of(screen).lines())
    await screen.until(">")
    screen.keys.send_text("\x1b[200~one\ntwo\x1b[201~\r")
    assert await lines == ["one", "two"]


async def test_characters_that_the_terminal_does_not_know_are_shown_by_their_numbers(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = line_of(screen)
    monkeypatch.setattr("sys.__stdout__", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    line.print_above("caf\u00e9 \ud800")
    assert screen.drawn.getvalue().endswith("caf\\xe9 \\ud800\r\n")


async def test_a_screen_that_is_gone_raises_nothing(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(screen.drawn, "write", gone)
    line_of(screen).print_above("nobody reads this")
    assert set(screen.lost) == {True}
