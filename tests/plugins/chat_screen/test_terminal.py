"""What makes drawing on a terminal robust. What people then see is in tests/system/terminal."""

import asyncio
import io

import pytest

pytest.importorskip("termios", reason="needs the terminals of Unix")

from prompt_toolkit import PromptSession
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.key_binding import defaults

from plytalk.plugins.chat_screen.terminal import Drawing, TerminalOutput, as_text, reflows, without_vi_keys
from plytalk.testing.verdict import idle


@pytest.mark.parametrize(
    ("typed", "text"),
    [("plain", "plain"), ("h\u00e9llo", "h\u00e9llo"), ("h\udcc3\udca9llo", "h\u00e9llo"), ("\udce9", "\ufffd")],
)
def test_bytes_that_came_as_surrogates_are_text_again(typed: str, text: str) -> None:
    assert as_text(typed) == text


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, True),
        ({"TERM": "xterm-256color", "TMUX": "of the terminal that started this one"}, False),
        ({"TERM": "xterm-256color", "TMUX": "/tmp/tmux", "TERM_PROGRAM": "tmux"}, True),
        ({"TERM": "xterm", "TMUX": "/tmp/tmux", "TERM_PROGRAM": "tmux", "XTERM_VERSION": "XTerm(379)"}, False),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/tmux"}, True),
        ({"TERM": "tmux-256color"}, True),  # by ssh, which hands on TERM alone
        ({"TERM": "foot"}, True),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "screen", "TMUX": "/tmp/tmux"}, True),
        ({"TERM": "screen", "VTE_VERSION": "7600"}, False),
        ({}, False),
    ],
)
def test_which_terminals_wrap_rows_again(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: bool) -> None:
    monkeypatch.setattr("os.environ", environment)
    assert reflows() is expected


@pytest.mark.parametrize(("again", "up"), [(False, 2), (True, 2 + 2 * 1 + 0)])
async def test_a_narrower_terminal_is_erased_from_where_the_line_began(
    monkeypatch: pytest.MonkeyPatch, again: bool, up: int
) -> None:
    monkeypatch.setattr("plytalk.plugins.chat_screen.terminal.reflows", lambda: again)
    drawn, size = io.StringIO(), [Size(10, 20)]
    with create_pipe_input() as keys:
        output = TerminalOutput(drawn, lambda: size[0])
        session: PromptSession[str] = PromptSession("> ", input=keys, output=output, reserve_space_for_menu=0)
        drawing = Drawing(session.app)
        reading = asyncio.create_task(session.prompt_async(default=Document("x" * 45)))
        while "xxx" not in drawn.getvalue():
            await idle()
        size[0] = Size(10, 10)
        drawn.truncate(0)
        drawing.erase()
        ups = [int(part.partition("A")[0] or 1) for part in drawn.getvalue().split("\x1b[")[1:] if "A" in part]
        assert sum(ups) == up
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


def test_an_application_is_made_without_the_keys_of_vi_and_others_have_them() -> None:
    made = defaults.load_vi_bindings
    with without_vi_keys():
        assert defaults.load_vi_bindings().bindings == []
        fewer = len(defaults.load_key_bindings().bindings)
    assert defaults.load_vi_bindings is made
    assert len(defaults.load_key_bindings().bindings) > 2 * fewer
