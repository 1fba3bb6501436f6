"""What a terminal can show, as the environment tells it."""

import os
import re
import sys
from unicodedata import east_asian_width

_WORDS = r" *[^ ]+"
_STYLES = r"\x1b\[[0-9;]*m"
DUMB = ("", "dumb", "unknown")


def is_dumb() -> bool:
    """Whether the terminal understands no escape sequences, or does not say that it does."""
    return os.environ.get("TERM", "").lower() in DUMB and sys.platform != "win32"


def wants_colour() -> bool:
    """Whether a terminal may be sent colours (https://no-color.org)."""
    return not os.environ.get("NO_COLOR") and not is_dumb()


def columns_of(number: int) -> int | None:
    """How wide the terminal of an open file is; None for anything else, and for one that does not know."""
    try:
        return os.get_terminal_size(number).columns or None
    except OSError:
        return None


def wrapped(text: str, columns: int) -> str:
    """A text in rows of at most this many columns, broken between words; a longer word is broken by the terminal."""
    rows, room = [""], columns
    for word in re.findall(_WORDS, text):
        width = cells_of(word)
        if width > room and rows[-1]:
            word, room = word.lstrip(" "), columns
            rows, width = [*rows, ""], cells_of(word)
        rows[-1] += word
        room -= width
    return "\n".join(rows)


def cells_of(text: str) -> int:
    """About how many cells a text takes, without the styles in it."""
    plain = re.sub(_STYLES, "", text)
    return len(plain) if plain.isascii() else sum(1 + (east_asian_width(one) in "WF") for one in plain)
