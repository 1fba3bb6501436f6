"""What was measured, as a page of the lab book."""

import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.provenance import commit, today
from tests.system.resources.attacks import Row

PAGE = Path(__file__).resolve().parents[3] / "docs" / "lab" / "resources.md"
BEGIN, END = "<!-- measured: begin (written by `python -m tests.system.resources --write`) -->", "<!-- measured: end -->"


HEAD = [
    "| attack | what was done | what was measured | what is demanded | reached | commit, date |",
    "| --- | --- | --- | --- | --- | --- |",
]


def line(row: Row) -> str:
    """A row in Markdown."""
    reached = "yes" if row.reached else "**no**"
    cells = [row.id, row.done, row.measured, row.wanted, reached, f"{commit()}, {today()}"]
    return f"| {' | '.join(cells)} |".replace("`", "\\`")


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    return "\n".join([*HEAD, *map(line, rows)])


def write(rows: Sequence[Row], fresh: bool = True) -> None:
    """Put the table into the page, between its two markers; or, without `fresh`, only the rows of what was done again."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    there, _, after = rest.partition(END)
    lines = {} if fresh else {done(one): one for one in there.strip().splitlines()[len(HEAD) :]}
    lines.update({done(line(row)): line(row) for row in rows})
    PAGE.write_text("\n".join([f"{before}{BEGIN}", "", *HEAD, *lines.values(), "", f"{END}{after}"]))


def done(line: str) -> str:
    """What was done, apart from its numbers."""
    return re.sub("[0-9.,]+", "#", "|".join(line.split("|")[1:3]))
