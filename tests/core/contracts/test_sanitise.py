"""Whatever a peer sends, what reaches the screen is one harmless line."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plytalk.core.contracts.sanitise import MARKS, all_clean, clean

HOSTILE = [
    "\x1b[2J\x1b[H",  # clear the screen
    "\x1b]0;you have been owned\x07",  # set the title
    "\x1b]8;;http://attacker.example\x1b\\click\x1b]8;;\x1b\\",  # a link
    "\x1b]52;c;cm0gLXJmIC8K\x07",  # the clipboard
    "\x1bP1$r0m\x1b\\",  # a device control string
    "\x1b_G\x1b\\\x1b^x\x1b\\\x1bXx\x1b\\",  # APC, PM, SOS
    "\x9b31mred\x9b0m",  # 8-bit CSI
    "\x9d0;title\x9c\x90q\x9c",  # 8-bit OSC and DCS
    "\x1b[",  # unterminated
    "gone\rhere",
    "over\x08\x08\x08\x08here",
    "\x7f\x00\x07\x0e\x0f",
    "two\nlines\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029",
    "invoice\u202efdp.exe",
    "\u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202d\u061c\u200e\u200f",
    "in\u00advisible\u200b\u2060\ufeff\U000e0041",
    "\ud800\udfff",
    "\ue000\U0010ffff\u0378",
    "Z" + "\u0310" * 300,
]

texts = st.text(st.characters(codec=None), max_size=60) | st.text(
    alphabet=[*"ab \u0301\u200d\x1b\x9b\u202e\ud800\u00ad\u0489"], max_size=30
)


def is_harmless(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or character in "\u200c\u200d"


@given(texts)
def test_nothing_that_moves_hides_or_reorders_comes_through(text: str) -> None:
    assert all(is_harmless(character) for character in clean(text))


@given(texts)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(texts)
@example("a" + "\u0301\u200d" * 100)
def test_marks_never_pile_up(text: str) -> None:
    piled = 0
    for character in clean(text):
        if unicodedata.category(character) in ("Mn", "Me"):
            piled += 1
        elif character not in "\u200c\u200d":
            piled = 0
        assert piled <= MARKS


@given(texts, texts)
def test_what_stands_beside_a_character_does_not_change_it(first: str, second: str) -> None:
    assert clean(first + "|" + second) == clean(first) + "|" + clean(second)


@given(st.text(st.characters(min_codepoint=32, exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Me"))))
def test_what_can_be_printed_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_hostile_sample_becomes_visible(text: str) -> None:
    shown = clean(text)
    assert shown.encode()
    assert all(is_harmless(character) for character in shown)
    assert len(shown.splitlines()) == 1


def test_every_character_is_treated_alike_whether_the_text_looks_plain_or_not() -> None:
    """The quick way out for usual texts must not let through what the thorough one would show."""
    for code in range(0x10000):
        assert clean(chr(code)) == clean("\0" + chr(code))[1:], hex(code)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("", ""),
        ("hello", "hello"),
        ("Grüße, 世界 👋🏽 שלום", "Grüße, 世界 👋🏽 שלום"),
        ("a\tb", "a b"),
        ("a\nb\x1b", "a␊b␛"),
        ("\x7f\x9b", "\\x7f\\x9b"),
        ("\u202e", "\\u{202e}"),
        ("\ud800", "\\u{d800}"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("e" + "\u0301" * 9 + "x", "e" + "\u0301" * 4 + "x"),
    ],
)
def test_what_is_shown_for_what_is_said(said: str, shown: str) -> None:
    assert clean(said) == shown


@given(st.lists(st.text()))
@example(["safe", "\x1b[2J"])
@example(["a\u0301\u0301\u0301", "\u0301\u0301"])
def test_one_look_at_many_texts_passes_none_that_is_to_be_cleaned(texts: list[str]) -> None:
    assert not all_clean(texts) or [clean(text) for text in texts] == texts


def test_one_look_is_for_texts_alone() -> None:
    assert all_clean(["good", "day"])
    assert not all_clean(["good", b"day"])
