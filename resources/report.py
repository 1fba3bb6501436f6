"""What was measured, as a page of the lab book."""

from collections.abc import Sequence
from pathlib import Path

from resources.attacks import Row

PAGE = Path(__file__).resolve().parents[1] / "docs" / "lab" / "resources.md"
BEGIN, END = "<!-- measured: begin (written by `python -m resources --write`) -->", "<!-- measured: end -->"


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    head = ["| attack | what was done | what was measured | what is demanded | reached |", "| --- | --- | --- | --- | --- |"]
    lines = [
        f"| {row.id} | {row.done} | {row.measured} | {row.wanted} | {'yes' if row.reached else '**no**'} |".replace("`", "\\`")
        for row in rows
    ]
    return "\n".join(head + lines)


def write(rows: Sequence[Row]) -> None:
    """Put the table into the page, between its two markers."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(rows)}\n\n{END}{after}")
