"""Text in rows that a terminal of any width holds, from 20 columns on. Without a terminal, COLUMNS says how wide they are."""

import shutil
import textwrap

FEWEST = 20
DEEPEST = 3
"""What hangs is indented by at most this part of the width: a third."""


def columns(most: int) -> int:
    """How wide rows are here, and at most so wide."""
    return min(max(shutil.get_terminal_size((most, 24)).columns, FEWEST), most)


def hanging(head: str, text: str, most: int) -> list[str]:
    """A text after its head, which is only in the first row."""
    width = columns(most)
    indent = " " * min(len(head), width // DEEPEST)
    rows = textwrap.wrap(head + text, width, subsequent_indent=indent, break_on_hyphens=False)
    return rows or [head.rstrip()]
