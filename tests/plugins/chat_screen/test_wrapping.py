"""Text in rows: words stay whole, and widths are those of a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from plytalk.plugins.chat_screen.wrapping import clip, width_of, wrap


@pytest.mark.parametrize(
    ("text", "columns", "taken", "indent", "rows"),
    [
        ("", 10, 0, 0, [""]),
        ("one two three", 20, 0, 0, ["one two three"]),
        ("one two three", 8, 0, 0, ["one two", "three"]),
        ("one two three", 12, 6, 6, ["one", "      two", "      three"]),
        ("a  b", 10, 0, 0, ["a  b"]),
        ("see https://a.example/path", 20, 4, 4, ["see", "    https://a.exampl", "    e/path"]),
        ("aaaaaaaaaaaa", 5, 0, 0, ["aaaaa", "aaaaa", "aa"]),
        ("日本語日本語", 8, 2, 2, ["日本語", "  日本語"]),
        ("hello 日本語日本語", 8, 0, 0, ["hello 日", "本語日本", "語"]),
        ("one␊two␊␊four", 20, 5, 5, ["one", "     two", "     ", "     four"]),
        ("e\u0301" * 6, 4, 0, 0, ["e\u0301" * 4, "e\u0301" * 2]),
    ],
)
def test_rows(text: str, columns: int, taken: int, indent: int, rows: list[str]) -> None:
    assert wrap(text, columns, taken, indent) == rows


@given(st.text("ab 日é\u0301␊", max_size=80), st.integers(12, 40), st.integers(0, 6))
def test_no_row_is_too_wide_and_no_character_is_lost(text: str, columns: int, indent: int) -> None:
    rows = wrap(text, columns, indent, indent)
    assert width_of(rows[0]) <= columns - indent
    assert all(width_of(row) <= columns for row in rows[1:])
    assert "".join("".join(rows).split()) == "".join(text.replace("␊", "").split())


def test_the_width_of_a_text_is_in_cells() -> None:
    assert [width_of(text) for text in ("abc", "日本", "e\u0301", "")] == [3, 4, 1, 0]
    assert wcswidth("日本") == 4


@pytest.mark.parametrize(
    ("text", "columns", "clipped"), [("hello", 9, "hello"), ("hello", 3, "hel"), ("日本語", 5, "日本"), ("日", 1, "")]
)
def test_a_beginning_fits_into_its_cells(text: str, columns: int, clipped: str) -> None:
    assert clip(text, columns) == clipped


def test_blanks_at_the_end_of_a_text_take_no_row() -> None:
    for blanks in (" ", "   "):
        assert wrap(f"word word word{blanks}", 14, 0, 2) == ["word word word"]
    assert wrap("   ", 2) == [""]
