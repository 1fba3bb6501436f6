"""What a terminal can show, as the environment tells it."""

import itertools
import os
import sys

import pytest

from plytalk.core.io.display import cells_of, columns_of, is_dumb, wants_colour, wrapped

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="consoles of Windows need no TERM")


@pytest.mark.parametrize(
    ("environment", "dumb", "colour"),
    [
        ({"TERM": "xterm"}, False, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, False, True),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "Dumb"}, True, False),
        ({"TERM": "unknown"}, True, False),
        ({"TERM": ""}, True, False),
        ({}, True, False),
    ],
)
def test_what_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], dumb: bool, colour: bool
) -> None:
    monkeypatch.setattr(os, "environ", environment)
    assert is_dumb() is dumb
    assert wants_colour() is colour


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_rows_are_broken_between_words_and_lose_nothing_but_the_blank_there(columns: int) -> None:
    text = "\x1b[33mWarning: others can read what guests hear, in 会議室 too. See `chat explain`.\x1b[0m"
    rows = wrapped(text, columns).split("\n")
    assert " ".join(rows) == text
    assert all(cells_of(row) <= columns for row in rows)
    pairs = itertools.pairwise(rows)
    assert all(cells_of(f"{row} {after.split()[0]}") > columns for row, after in pairs), "rows are full"


def test_a_word_longer_than_a_row_stays_whole_and_indents_stay() -> None:
    assert wrapped("  a http://127.0.0.1:7591/#SHA256 b", 12) == "  a\nhttp://127.0.0.1:7591/#SHA256\nb"
    assert wrapped("", 12) == ""


def test_the_width_is_that_of_the_terminal_whatever_a_shell_has_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl
    import struct
    import termios

    monkeypatch.setenv("COLUMNS", "20")
    ours, theirs = os.openpty()
    for columns, seen in ((61, 61), (0, None)):
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        assert columns_of(theirs) == seen
    reader, writer = os.pipe()
    assert columns_of(writer) is None
    for number in (ours, theirs, reader, writer):
        os.close(number)
    assert columns_of(theirs) is None
