"""How a prompt's line lies on a screen. What people then see is in tests/terminal."""

import subprocess
import sys

import pytest

from plytalk.plugins.uis.prompts import cells, folded, shown

PROMPT = "Type Message: "


@pytest.mark.parametrize(
    ("text", "width"),
    [("", 0), ("abc", 3), ("你好", 4), ("e\u0301", 1), ("\N{WAVING HAND SIGN}", 2), ("\N{FULLWIDTH LATIN CAPITAL LETTER A}", 2)],
)
def test_how_many_cells_a_text_takes(text, width):
    assert cells(text) == width


def test_control_characters_are_shown_as_readline_shows_them():
    assert shown("a\x01\x1bb") == "a^A^[b"


def test_where_a_text_folds():
    assert folded("", 5) == [""]
    assert folded("abcd", 5) == ["abcd"]
    assert folded("abcde", 5) == ["abcde", ""]
    assert folded("abcdef", 5) == ["abcde", "f"]
    assert folded("abcd你f", 5) == ["abcd", "你f"]
    assert folded("abcde\u0301f", 5) == ["abcde\u0301", "f"]
    assert folded(PROMPT + "你好" * 3, 20) == [PROMPT + "你好你", "好你好"]


@pytest.mark.parametrize(
    ("missing", "kind"),
    [((), "ToolkitPrompt"), (("prompt_toolkit",), "ReadlinePrompt"), (("prompt_toolkit", "readline"), "NoneType")],
)
def test_the_best_prompt_that_there_is(missing, kind):
    pytest.importorskip("prompt_toolkit", reason="pip install prompt_toolkit")
    pytest.importorskip("termios", reason="needs the terminals of Unix")
    code = f"""
import os, pty, sys
sys.modules.update(dict.fromkeys({missing!r}))
master, slave = pty.openpty()
os.dup2(slave, 0)
os.dup2(slave, 1)
from plytalk.plugins.uis.prompts import best
print(type(best("> ")).__name__, file=sys.stderr)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr == kind + "\n"
