"""A measured figure says with which commit it was taken, on which day, and by which command anybody can take it again."""

import re
import shlex
from pathlib import Path

import pytest

from benchmarks import provenance
from benchmarks.suite import MEASUREMENTS

ROOT = Path(__file__).resolve().parents[2]
TAKEN = re.compile(r"[0-9a-f]{7}(?:-dirty)?, 20\d\d-[01]\d-[0-3]\d\b")
PAGES = {"benchmarks/README.md", "benchmarks/rooms/README.md", "docs/lab/resources.md"}


def measured(page: str) -> str:
    """What a program has written into a page, between its two markers."""
    return re.split(r"<!-- \w+: (?:begin|end)\b.*-->", (ROOT / page).read_text())[1]


def test_every_page_with_measured_figures_is_looked_at() -> None:
    pages = [page for page in ROOT.glob("**/*.md") if not {"node_modules", ".venv", "site"} & set(page.parts)]
    assert {str(page.relative_to(ROOT)) for page in pages if "(written by `python -m " in page.read_text()} == PAGES


@pytest.mark.parametrize(
    "section", re.split("^### ", measured("benchmarks/README.md"), flags=re.M)[1:], ids=lambda text: text[:20]
)
def test_each_table_of_the_benchmarks(section: str) -> None:
    how = section.split("\n\n")[1]
    assert TAKEN.search(how)
    command = re.search(r"`\./run python -m benchmarks --rounds (\d+) (.*)`\.$", how)
    assert command
    assert how.startswith(f"{command[1]} rounds, ")
    [name] = shlex.split(command[2])
    assert name in MEASUREMENTS


def test_the_tables_of_rooms_which_one_run_makes() -> None:
    how = measured("benchmarks/rooms/README.md").strip().split("\n\n")[0]
    assert TAKEN.search(how)
    assert re.search(r"`\./run python -m benchmarks\.rooms --rounds \d+ --seconds [\d.]+`", how)


def test_each_row_of_the_attacks_on_resources() -> None:
    rows = measured("docs/lab/resources.md").strip().splitlines()
    assert rows[0].endswith("| commit, date |")
    assert len(rows) > 30
    for row in rows[2:]:
        assert TAKEN.fullmatch(row.split("|")[-2].strip()), row
    assert "`./run python -m tests.system.resources`" in " ".join((ROOT / "docs/lab/resources.md").read_text().split())


@pytest.mark.parametrize("title", ["A run", "Behind the handshake"])
def test_what_fuzzing_found(title: str) -> None:
    [section] = re.findall(
        rf"^## {title}\n(.*?)(?=^## |\Z)", (ROOT / "tests/system/fuzz/README.md").read_text(), flags=re.M | re.S
    )
    assert re.search(r"[Cc]ommit [0-9a-f]{7}\b[^.]*\b20\d\d-[01]\d-[0-3]\d\b", section)
    assert "./run python -m tests.system.fuzz." in section


def test_what_stands_beside_a_figure_that_is_taken_now() -> None:
    assert TAKEN.fullmatch(f"{provenance.commit()}, {provenance.today()}") or provenance.commit() == "unknown"
