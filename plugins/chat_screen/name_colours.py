"""A colour, or a mark where colours are not wanted, for each speaker: chosen by key, it follows a person and not a name."""

import os
from zlib import crc32

SPEAKERS = 12
"""How many speakers, counted from the last one back, are told apart."""
PALETTE = (160, 166, 100, 64, 28, 30, 32, 63, 97, 129, 164, 131)
"""Of xterm's 256 colours some that are readable on white and on black (a contrast of 3.7 or more, WCAG 2.1), by hue."""
SIXTEEN = (31, 32, 33, 34, 35, 36)
MARKS, ASCII_MARKS = "●◆■▲▼★○◇□△▽☆", "*+#%=~^$&o?x"


class NameColours:
    """Gives each key one of twelve places. The last twelve speakers have different ones; a place is kept as long as it can be."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}  # the longest silent first

    def place(self, key: str) -> int:
        """The place of a speaker, who is the last one from now on."""
        found = self._places.pop(key, None)
        if found is None:
            wanted, taken = crc32(key.encode()) % SPEAKERS, set(self._places.values())
            if len(taken) == SPEAKERS:
                found = self._places.pop(next(iter(self._places)))
            else:
                free = [place for place in (*range(wanted, SPEAKERS), *range(wanted)) if place not in taken]
                found = max(free, key=lambda place: is_apart(place, taken))
        self._places[key] = found
        return found


def is_apart(place: int, taken: set[int]) -> bool:
    """Whether no neighbour of a place is taken: neighbours look alike."""
    return not taken & {(place - 1) % SPEAKERS, (place + 1) % SPEAKERS}


def colour_code(place: int) -> str:
    """The SGR parameters of a place (ECMA-48 8.3.117): of 256 colours where the terminal has them, else of the usual eight."""
    if "256color" in os.environ.get("TERM", "") or os.environ.get("COLORTERM"):
        return f"38;5;{PALETTE[place]}"
    return f"{SIXTEEN[place % 6]}{';1' if place > 5 else ''}"


def mark(place: int, encoding: str) -> str:
    """The mark of a place, in ASCII where the terminal knows no more."""
    try:
        MARKS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII_MARKS[place]
    return MARKS[place]
