"""The pictures of the console: what they draw of a screen. The scene itself is played when they are made."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("pexpect", reason="terminals need a system that has them", exc_type=ImportError)
import pyte

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import console_picture

    yield console_picture
    sys.modules.pop("console_picture", None)


@pytest.fixture
def screen(pictures):
    screen = pictures.FaintScreen(pictures.COLUMNS, pictures.ROWS)
    pyte.ByteStream(screen).feed(b"\x1b[2m12:31\x1b[m \x1b[38;5;160malice\x1b[m: a < b\r\n\x1b[1;7mloud\x1b[m \x1b[31mred\x1b[m")
    return screen


def test_each_run_of_cells_has_its_colour(pictures, screen) -> None:
    dark, light = (pictures.draw(screen, theme) for theme in pictures.THEMES)
    for picture, theme in ((dark, pictures.THEMES[0]), (light, pictures.THEMES[1])):
        assert f'fill="{theme.faint}" xml:space="preserve"' in picture.partition(">12:31<")[0].rpartition("<text")[2]
        assert 'fill="#d70000"' in picture.partition(">alice<")[0].rpartition("<text")[2]
        assert ">: a &lt; b" in picture
        assert f'fill="{theme.paper}" font-weight="bold"' in picture.partition(">loud<")[0].rpartition("<text")[2]
        assert f'fill="{pictures.BASIC["red"]}"' in picture.partition(">red<")[0].rpartition("<text")[2]


def test_empty_rows_below_are_left_out(pictures, screen) -> None:
    assert f'viewBox="0 0 700 {2 * pictures.LINE + 2 * pictures.EDGE}"' in pictures.draw(screen, pictures.THEMES[0])


def test_the_pictures_in_the_docs_show_what_the_page_says() -> None:
    for theme in ("dark", "light"):
        picture = (DOCS / f"console-{theme}.svg").read_text()
        for shown in ("--- 2 earlier messages ---", "to you alone", "[lobby] /msg alice"):
            assert shown in picture
        assert f"console-{theme}.svg" in (DOCS / "console.md").read_text()
