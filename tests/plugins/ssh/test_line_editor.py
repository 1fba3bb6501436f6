"""The row in which a guest types: keys, widths, and what is drawn."""

import pyte
import pytest

from plytalk.plugins.ssh.line_editor import LONGEST_LINE, PROMPT, REMEMBERED, LineEditor, width_of

LEFT, RIGHT, UP, DOWN, HOME, END, DELETE = "\x1b[D", "\x1b[C", "\x1b[A", "\x1b[B", "\x1b[H", "\x1b[F", "\x1b[3~"


class Row:
    """A terminal with an editor in it."""

    def __init__(self, columns: int = 40, escapes: bool = True) -> None:
        self.lines: list[str] = []
        self.left = 0
        self.editor = LineEditor(self.lines.append, self._leave, columns, escapes)
        self.screen = pyte.Screen(columns, 10)
        self._stream = pyte.Stream(self.screen)
        self.types("")

    def _leave(self) -> None:
        self.left += 1

    def types(self, keys: str) -> str:
        """Press keys; the row with the cursor."""
        above = self.editor.type(keys)
        self._stream.feed(self.editor.erase() + above + self.editor.draw())
        return self.screen.display[self.screen.cursor.y].rstrip()

    @property
    def cursor(self) -> int:
        return self.screen.cursor.x - len(PROMPT)


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("hello", "hello"),
        (f"helo{LEFT}l", "hello"),
        (f"ello{HOME}h", "hello"),
        ("ello\x01h\x05!", "hello!"),
        (f"hello{LEFT}{LEFT}\x0b{END}y", "hely"),
        (f"xhello{HOME}{DELETE}", "hello"),
        ("xhello\x01\x04", "hello"),
        ("hellox\x7f\x08o", "hello"),
        ("two words\x17three", "two three"),
        ("gone\x15here", "here"),
        ("gone\x03here", "here"),
        (f"{RIGHT}{DELETE}\x7f{LEFT}a", "a"),
        ("a\tb\x00\x07\x1b[5~c\x1b[200~d\x1bxe", "abcde"),  # keys that mean nothing here
        ("\x1b[" + "1" * 50 + "b", "1" * 36 + "b"),  # no key is so long
        ("a\u202eb\u200bc\x9b", "abc"),
    ],
)
def test_keys_edit_the_line(keys: str, line: str) -> None:
    row = Row(200)
    row.types(keys)
    row.types("\r")
    assert len(row.lines) == 1
    assert row.lines[0].endswith(line)
    assert row.lines[0].isprintable()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_key_may_come_in_pieces(size: int) -> None:
    row, keys = Row(), f"helo{LEFT}l{END}!\r\nsecond\n"
    for at in range(0, len(keys), size):
        row.types(keys[at : at + size])
    assert row.lines == ["hello!", "second"]


def test_what_is_entered_stays_above_the_row() -> None:
    row = Row()
    assert row.types("one\rtwo\rthr") == "> thr"
    assert [line.rstrip() for line in row.screen.display[:3]] == ["> one", "> two", "> thr"]
    assert row.types("\r\r\r   \r") == ">"  # blank lines are for nobody
    assert row.lines == ["one", "two", "thr"]


def test_the_arrows_recall_what_was_entered() -> None:
    row = Row()
    row.types("one\rtwo\rtwo\rhalf")
    assert row.types(UP) == "> two"
    assert row.types(UP) == "> one"
    assert row.types(UP) == "> one"
    assert row.types(DOWN) == "> two"
    assert row.types(DOWN) == "> half"
    assert row.types(DOWN) == "> half"


def test_only_some_lines_are_remembered() -> None:
    row = Row()
    row.types("".join(f"{number}\r" for number in range(REMEMBERED + 5)))
    assert row.types(UP * (REMEMBERED + 10)) == "> 5"


def test_a_long_line_scrolls_sideways_in_one_row() -> None:
    row = Row(20)
    text = "0123456789" * 5
    assert row.types(text) == "> " + text[-17:]
    assert row.types(HOME) == "> " + text[:17]
    assert row.cursor == 0
    assert [line for line in row.screen.display if line.strip()] == ["> " + text[:17] + " "]


@pytest.mark.parametrize("escapes", [True, False])
def test_wide_characters_take_two_columns(escapes: bool) -> None:
    row = Row(20, escapes)
    assert row.types("日本語").replace(" ", "") == ">日本語"
    row.types(LEFT)
    assert row.cursor == 4
    row.types("x\r")
    assert row.lines == ["日本x語"]
    assert width_of("語") == 2


def test_a_terminal_without_escapes_gets_none() -> None:
    row = LineEditor(print, print, 80, escapes=False)
    above = row.type(f"hello{LEFT}{LEFT}")
    assert "\x1b" not in row.erase() + above + row.draw() + row.erase()


def test_the_row_is_never_wider_than_the_terminal() -> None:
    row = LineEditor(print, print, 30)
    row.type("字" * 200)
    for columns in (200, 0, 3, 30, 10**9):
        row.resize(columns)
        row.erase()
        drawn = row.draw().rstrip("\b")
        assert sum(map(width_of, drawn)) <= (columns or 80) or columns == 3


def test_a_line_has_an_end() -> None:
    row = LineEditor(print, print, 80)
    row.type("x" * 100_000)
    assert len(row._text) == LONGEST_LINE


def test_control_c_and_control_d_leave_from_an_empty_row() -> None:
    row = Row()
    row.types("text\x03")
    assert not row.left
    row.types("\x03\x04")
    assert row.left == 2
