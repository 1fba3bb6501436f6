"""The sanitiser: everything that a peer sends passes through it before it reaches a screen, a log or a file name.

Kept: all that Unicode calls printable. Made visible: control characters (C0 as their pictures, DEL and C1 as \\x9b), line and
paragraph separators, bidirectional overrides and isolates, zero-width and other format characters, lone surrogates, private and
unassigned code points, all as \\u{202e}. Cut: piles of more than four combining marks on one character.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

MARKS = 4
ECHO = 60
"""How many characters of a user's or a peer's text a message repeats."""
LONG_WORD, LONG_SENTENCE = 300, 4000
"""The length, in characters, that no message of ours exceeds: a longer one repeats a text from outside."""
_JOINERS = "\u200c\u200d"  # written words and emoji need these two; alone they can neither reorder nor hide anything
# Texts of these characters need no closer look: Latin, Greek, Cyrillic, kana, Chinese and Hangul, only assigned and visible ones.
_PLAIN = "\u00a1-\u00ac\u00ae-\u02ff\u0391-\u03a1\u03a3-\u0482\u048a-\u052f\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3"
_LONG_WORDS = re.compile(rf"\S{{{LONG_WORD + 1},}}")
_VISIBLE = bytes(range(0x20, 0x7F))


@cache
def _suspect() -> re.Pattern[str]:
    return re.compile(f"[^ -~{_PLAIN}]")  # only where it is needed: it takes 2 ms


def clean(text: str) -> str:
    """Return the same text, harmless to any terminal: one line, with nothing that moves the cursor, hides or reorders text."""
    if text.isascii() and not text.encode().translate(None, _VISIBLE):  # four times as fast as `isprintable` for long texts
        return text
    if not _suspect().search(text):
        return text
    shown: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        if category in ("Mn", "Me"):
            marks += 1
            if marks > MARKS:
                continue
        elif character not in _JOINERS:  # a joiner does not start another pile
            marks = 0
        shown.append(_visible(character, category))
    return "".join(shown)


def shorten(text: str, limit: int = ECHO) -> str:
    """Clean a text for a message that repeats it, and keep only its beginning and end if it is too long."""
    return clean(text if len(text) <= limit else f"{text[: limit * 2 // 3]}...{text[-(limit // 4) :]}")


def brief(sentence: str) -> str:
    """Clean a message, and shorten long texts that it repeats."""
    if len(sentence) > LONG_WORD:
        sentence = _LONG_WORDS.sub(lambda word: shorten(word[0], LONG_WORD), sentence)
    return shorten(sentence, LONG_SENTENCE)


def all_clean(texts: Iterable[object]) -> bool:
    """Whether all of these are texts that `clean` would not change, as far as one look at all of them shows."""
    try:
        whole = "".join(texts)  # type: ignore[arg-type]  # what is not a text raises
    except TypeError:
        return False
    return clean(whole) is whole


def _visible(character: str, category: str) -> str:
    if character == "\t":
        return " "
    if category in ("Cf", "Cs", "Co", "Cn", "Zl", "Zp") and character not in _JOINERS:
        return f"\\u{{{ord(character):x}}}"
    if category == "Cc":
        code = ord(character)
        return chr(0x2400 + code) if code < 0x20 else f"\\x{code:02x}"
    return character
