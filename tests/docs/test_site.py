"""Every page can be found, and every link out of the README, which the site does not hold, leads somewhere."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "docs"
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(#[^)]*)?\)")


def paths(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    return [path for one in (entry.values() if isinstance(entry, dict) else entry) for path in paths(one)]


def test_every_page_is_in_the_navigation_and_nothing_else() -> None:
    nav = paths(tomllib.loads((PROJECT / "zensical.toml").read_text())["project"]["nav"])
    assert sorted(nav) == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"])
def test_every_link_leads_to_a_file(page: str) -> None:
    for target, _ in LINK.findall((PROJECT / page).read_text()):
        assert (PROJECT / target).exists(), target


def test_decisions_are_numbered_and_short() -> None:
    pages = sorted((DOCS / "decisions").glob("0*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert len(numbers) == len(set(numbers))
    for number, page in zip(numbers, pages, strict=True):
        text = page.read_text()
        assert text.startswith(f"# {number}. "), page
        assert "**Decided:**" in text, page
        assert len(text.split()) < 600, page
