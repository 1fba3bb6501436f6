"""Whether what a program printed is harmless: by its characters, and by a terminal emulator that shows it."""

import unicodedata
from collections.abc import Sequence

import pyte

JOINERS = "\u200c\u200d"  # the two format characters that words need and that move nothing (core/contracts/sanitise.py)
COLUMNS, CHUNK = 200, 500
EMULATED = 4000
"""So many of the lines that one sink printed are shown by the emulator, evenly spread; the characters are looked at in all."""
ABOVE, BELOW = "what stood here before", "what comes next"


def forbidden(printed: str) -> list[str]:
    """The characters that no screen should have got."""
    return [character for character in printed if not (character.isprintable() or character in JOINERS)]


def disturbed(lines: Sequence[str]) -> str:
    """What printed lines do to a terminal beyond showing themselves, each in its row; empty for nothing."""
    screen = pyte.Screen(COLUMNS, len(lines) + 3)
    answers: list[str] = []
    screen.write_process_input = answers.append  # type: ignore[method-assign]
    before = settings(screen)
    expected = [ABOVE, *(line[:COLUMNS] if len(line) < COLUMNS else line[: COLUMNS - 1] for line in lines), BELOW]
    try:
        pyte.Stream(screen).feed("\r\n".join(expected))
    except Exception as error:  # the emulator does not know every sequence, and no harmless line has one
        return f"the emulator raised {type(error).__name__}"
    for line, row in zip(expected, screen.display, strict=False):
        if plain(line) != plain(row):
            return f"{line!r} is shown as {row.rstrip()!r}"
    if screen.cursor.y != len(expected) - 1 or settings(screen) != before or answers:
        return "the terminal has other settings, or answered"
    return ""


def plain(text: str) -> str:
    """What is ASCII in it: how many cells other characters take does not matter here."""
    return "".join(filter(str.isascii, unicodedata.normalize("NFD", text))).rstrip()


def settings(screen: pyte.Screen) -> tuple[object, ...]:
    return (
        frozenset(screen.mode), screen.title, screen.icon_name, screen.margins, screen.charset, screen.g0_charset,
        screen.g1_charset, frozenset(screen.tabstops), screen.cursor.attrs, screen.cursor.hidden, screen.columns, screen.lines,
    )  # fmt: skip


def leaks(sink: str, printed: Sequence[str]) -> list[str]:
    """What is wrong with the lines that a sink printed, as sentences."""
    wrong = [f"{sink}: {sorted(set(found))!r} is printed in {line!r}." for line in printed if (found := forbidden(line))]
    shown = printed[:: len(printed) // EMULATED + 1]
    for at in range(0, 0 if wrong else len(shown), CHUNK):
        if how := disturbed(shown[at : at + CHUNK]):
            wrong.append(f"{sink}: {how}.")
    return wrong
