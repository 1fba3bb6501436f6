"""Text in rows, wrapped between words, by the width of each character on a terminal."""

import re
from collections.abc import Iterator

from wcwidth import wcswidth, wcwidth

BREAK = "␊"
"""What the sanitiser makes of a line break within a message."""
_WORDS = re.compile(" +|[^ ]+")


def width_of(text: str) -> int:
    """How many cells a text takes."""
    return len(text) if text.isascii() else max(wcswidth(text), 0)


def clip(text: str, columns: int) -> str:
    """As much of a text's beginning as fits into this many cells."""
    text = text[:columns]
    while width_of(text) > columns:
        text = text[:-1]
    return text


def wrap(text: str, columns: int, taken: int = 0, indent: int = 0) -> list[str]:
    """Rows of at most `columns` cells. The first begins behind `taken` cells; the others are indented.

    A word is broken only where it is longer than a row. Blanks within a row stay as they are; those at a break are dropped.
    """
    rows: list[str] = []
    for part in text.split(BREAK):
        rows += _wrap_line(part, columns, indent if rows else taken, indent)
    return [rows[0], *(f"{' ' * indent}{row}" for row in rows[1:])]


def _wrap_line(text: str, columns: int, taken: int, indent: int) -> list[str]:
    if text.isascii() and len(text) <= columns - taken:
        return [text]
    rows, room, whole = [""], columns - taken, max(columns - indent, 2)
    for word in _WORDS.findall(text):
        for piece in _pieces(word, room, whole):
            width = width_of(piece)
            if width > room and (rows[-1] or rows[:-1] or room < whole):
                rows, room = [*rows[:-1], rows[-1].rstrip(" "), ""], whole
                if piece.isspace():
                    continue
            rows[-1] += piece
            room -= width
    while rows[1:] and not rows[-1]:  # there were only spaces
        rows.pop()
    return rows


def _pieces(word: str, room: int, whole: int) -> Iterator[str]:
    """A word, broken only where it is longer than a row. A script without blanks fills the row that it begins in."""
    if width_of(word) <= whole:
        yield word
        return
    limit = room if not word.isascii() and room > 1 else whole
    piece, width = "", 0
    for character in word:
        cells = max(wcwidth(character), 0)
        if width + cells > limit:
            yield piece
            piece, width, limit = "", 0, whole
        piece += character
        width += cells
    yield piece
