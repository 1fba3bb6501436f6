"""A one-time code at a terminal: shown while it is typed, completed word by word, and asked for until every word is known."""

import os
import subprocess
import sys

import click
import pytest
from programs import ENVIRONMENT

from plytalk.cli.typed_words import refuse_code

ASK = """
from plytalk.cli.typed_words import Asker
from plytalk.core.contracts.errors import UnknownPeer
from plytalk.core.contracts.optional import AsksWords
from plytalk.plugins.authenticators.code import fault, words_for
asker = Asker()
assert isinstance(asker, AsksWords)
try:
    print("got", asker.ask_words("One-time code: ", words_for, fault))
except UnknownPeer as error:
    print("refused:", error.sentence)
except KeyboardInterrupt:
    print("interrupted")
import os
print("left", os.read(0, 100))
"""
COMMAND = (sys.executable, "-c", ASK)
ON_UNIX = pytest.mark.skipif(sys.platform == "win32", reason="terminals are played on systems that have pseudo-terminals")
TAB, CONTROL_C, CONTROL_D, CONTROL_U = "\t", "\x03", "\x04", "\x15"


@pytest.fixture(params=["xterm-256color", "dumb"])
def asking(request):
    """The question on a terminal, with and without escape sequences."""
    screens = pytest.importorskip("screens", reason="pexpect and pyte play the terminal")
    with screens.shown(term=request.param, command=COMMAND) as screen:
        screen.until(lambda: screen.before_cursor == "One-time code: ")
        yield screen


@ON_UNIX
def test_what_is_typed_is_shown(asking) -> None:
    asking.type("7-orbit-velvet")
    asking.until(lambda: asking.before_cursor == "One-time code: 7-orbit-velvet")
    asking.type("\r")
    asking.until("got 7-orbit-velvet")


@ON_UNIX
def test_a_misspelt_word_is_named_and_asked_for_again(asking) -> None:
    asking.type("7-orbit-velvte\r")
    asking.until("No code has the word 'velvte'. Did you mean 'velvet'?")
    asking.type("\b\bet\r" if "xterm" in asking.term else "7-orbit-velvet\r")
    asking.until("got 7-orbit-velvet")


@ON_UNIX
@pytest.mark.parametrize("keys", [CONTROL_C, CONTROL_D])
def test_it_can_be_left(asking, keys) -> None:
    asking.type(keys)
    asking.until("interrupted" if keys == CONTROL_C else "refused: One-time code is needed.")


@ON_UNIX
@pytest.mark.parametrize("asking", ["xterm-256color"], indirect=True)
def test_tab_completes_word_by_word_and_lists_what_fits(asking) -> None:
    asking.type("7-orbi" + TAB)
    asking.until(lambda: asking.before_cursor == "One-time code: 7-orbit-")
    asking.type("vel" + TAB)
    asking.until(lambda: asking.before_cursor == "One-time code: 7-orbit-velvet")
    asking.type(CONTROL_U + "7-or" + TAB)
    asking.until("orange")
    asking.until("orchid")


@ON_UNIX
@pytest.mark.parametrize("asking", ["xterm-256color"], indirect=True)
def test_a_word_in_the_middle_is_completed_without_another_hyphen(asking) -> None:
    asking.type("7--velvet" + "\x1b[D" * 7 + "orbi" + TAB)
    asking.until(lambda: asking.before_cursor == "One-time code: 7-orbit")
    asking.type("\r")
    asking.until("got 7-orbit-velvet")


def run(typed: bytes) -> str:
    done = subprocess.run(COMMAND, input=typed, capture_output=True, env=ENVIRONMENT, timeout=180, check=True)
    return done.stdout.decode()


def test_off_a_terminal_the_first_line_is_taken_and_the_rest_is_left() -> None:
    assert run(b"7-orbit-velvet\nhello\n").splitlines() == ["got 7-orbit-velvet", "left b'hello\\n'"]
    assert run(b"7-orbit-velvet").splitlines() == ["got 7-orbit-velvet", "left b''"]


def test_off_a_terminal_a_line_without_an_end_is_not_read_for_ever() -> None:
    assert run(b"x" * 1000).splitlines() == ["got " + "x" * 200, f"left {b'x' * 100}"]


def test_off_a_terminal_no_line_is_a_refusal() -> None:
    said = "refused: One-time code: none was given. Without a terminal, write it as the first line of standard input."
    assert run(b"").splitlines()[0] == said


@pytest.mark.parametrize(
    ("args", "refused"),
    [
        (["--code=7-orbit-velvet"], True),
        (["--code", "7-ORBIT-velvet"], True),
        (["--code", "127.0.0.1:7591"], False),
        (["7-orbit-velvet", "--code"], False),  # a host may have any name
    ],
)
def test_a_code_is_recognised_among_the_arguments(args: list[str], refused: bool) -> None:
    context = click.Context(click.Command("connect"))
    if not refused:
        refuse_code(context, args)
        return
    with pytest.raises(click.UsageError, match="never an argument") as error:
        refuse_code(context, args)
    assert "orbit" not in str(error.value)


EARLY = """
import os, signal, sys
signal.signal(signal.SIGINT, lambda *_: print("noted"))  # as an event loop does, whose turn never comes here

class CtrlC:  # typed as soon as the prompt is there
    def write(self, text): return sys.__stderr__.write(text)
    def flush(self): os.kill(os.getpid(), signal.SIGINT)

sys.stderr = CtrlC()
"""


@ON_UNIX
def test_ctrl_c_counts_from_the_moment_on_at_which_the_prompt_stands_there() -> None:
    import pty

    keys, end = pty.openpty()
    os.write(keys, b"\x04\x04")  # so that reading on ends
    run = subprocess.run(
        (sys.executable, "-c", EARLY + ASK),
        stdin=end,
        capture_output=True,
        text=True,
        env={**ENVIRONMENT, "TERM": "dumb"},
        timeout=180,
    )
    os.close(keys)
    os.close(end)
    assert run.stdout.splitlines()[0] == "interrupted", run
