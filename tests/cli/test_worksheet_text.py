"""Worksheets on a terminal: whole words in rows that fit, and no marks of Markdown."""

import pytest

from plytalk.cli.worksheet_text import worksheet_rows
from plytalk.lab.classroom.exercise_book import NUMBERS, worksheet

PAGE = """# 9. Title

**Your task.** See *this* word in [the protocol](../protocol.md) and `chat lab`.

```console
$ chat lab
a line of output that is longer than the terminal is wide
```

    chat lab exercise 9
"""


def rows(markdown: str) -> list[str]:
    return "\n".join(worksheet_rows(markdown)).splitlines()


def test_paragraphs_are_wrapped_and_code_is_indented(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert rows(PAGE) == [
        "9. Title",
        "",
        "Your task. See this word in the protocol",
        "and `chat lab`.",
        "",
        "    $ chat lab",
        "    a line of output that is longer than the terminal is wide",
        "",
        "    chat lab exercise 9",
    ]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_text_of_a_worksheet_fits_80_columns(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = rows(worksheet(number))
    assert [row for row in shown if len(row) > 80 and not row.startswith("    ")] == []  # code keeps its lines
    assert not {"**", "](", "```"} & {mark for mark in ("**", "](", "```") for row in shown if mark in row}
