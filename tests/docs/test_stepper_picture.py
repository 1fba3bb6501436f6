"""The pictures of the stepping screen: what they show, at which size."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("pexpect", reason="terminals need a system that has them", exc_type=ImportError)

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(DOCS))
    import stepper_picture

    yield stepper_picture
    for name in ("stepper_picture", "console_picture"):
        sys.modules.pop(name, None)


def test_the_screens_show_the_frame_that_was_searched_for(pictures: ModuleType, tmp_path: Path) -> None:
    small, large = pictures.screens(tmp_path).values()
    assert (small.columns, small.lines, large.columns, large.lines) == (80, 24, 120, 40)
    assert any("1 message: text = Meet me at the usual place at nine." in row for row in small.display)
    assert any("ekem1, encrypted" in row for row in large.display)


def test_the_pictures_are_those_in_the_docs() -> None:
    text = (DOCS / "inspector.md").read_text()
    for theme, shown in (("dark", "usual place"), ("light", "ekem1, encrypted")):
        assert f"](stepper-{theme}.svg)" in text
        assert shown in (DOCS / f"stepper-{theme}.svg").read_text()
