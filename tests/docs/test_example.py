"""docs/protocol.md shows numbers: they are those that the code computes."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_worked_example_in_the_page_is_what_the_code_computes() -> None:
    text = runpy.run_path(str(DOCS / "example.py"))["text"]()
    assert text in (DOCS / "protocol.md").read_text(encoding="utf-8"), "run ./run python docs/example.py"
