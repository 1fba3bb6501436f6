"""The pictures of the page of a class: what the page shows, and that they are of the size of a projector."""

import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from browser import browser
from class_page import served, shown

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(DOCS))
    import class_pictures

    yield class_pictures
    sys.modules.pop("class_pictures", None)


def test_the_page_shows_a_class(pictures: ModuleType) -> None:
    with served(pictures.state) as address, browser() as driver:
        text = shown(driver, address)
    assert "8 of 9 here" in text
    assert all(name in text for name in pictures.NAMES)


def test_the_pictures_are_those_in_the_docs(pictures: ModuleType) -> None:
    text = (DOCS / "teacher.md").read_text()
    for name in pictures.PICTURES:
        assert f"({name})" in text
        assert struct.unpack(">II", (DOCS / name).read_bytes()[16:24]) == (1280, 720)
