"""The pictures of the inspector's page: what their pages show, and that they are of the size of a projector."""

import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from browser import browser

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(DOCS))
    import page_pictures

    yield page_pictures
    sys.modules.pop("page_pictures", None)


def test_the_pages_show_what_the_docs_say(pictures: ModuleType, tmp_path: Path) -> None:
    pictures.make_pages(tmp_path)
    shown = {}
    with browser() as driver:
        for name, (place, _) in pictures.PICTURES.items():
            driver.get("about:blank")
            driver.get(f"{tmp_path.as_uri()}/{place}")
            shown[name] = str(driver.execute_script("return document.body.innerText"))
    assert "“Meet me at the usual place at nine.”\n\nEve sees these bytes, and cannot read" in shown["page-light.png"]
    assert "Eve read 0 of 2 messages" in shown["page-eve.png"]
    assert "Mallory" in shown["page-attack.png"]
    assert "rewritten" in shown["page-attack.png"]


def test_the_pictures_are_those_in_the_docs(pictures: ModuleType) -> None:
    text = (DOCS / "inspector.md").read_text()
    for name in pictures.PICTURES:
        data = (DOCS / name).read_bytes()
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", data[16:24]) == (1280, 720)
        assert f"]({name})" in text
