"""What hostile members write is taken for nothing else: by a real server, and by a browser where there is one."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.system.resources import forgery
from tests.system.resources.attacks import SHORT

FEW = replace(SHORT, texts=60, pairs=30)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


def test_the_pairs_of_names_differ_and_no_first_name_comes_twice() -> None:
    pairs = forgery.confusable(200)
    assert len({first for first, _ in pairs}) == 200
    assert all(first != second for first, second in pairs)


def test_a_name_that_looks_like_another_is_refused() -> None:
    pytest.importorskip("precis_i18n", reason="needs precis-i18n: pip install precis-i18n")
    (row,) = forgery.names(FEW)
    assert row.held, row


@pytest.mark.skipif(sys.platform == "win32", reason="ends the server by a signal of Unix")
def test_every_event_is_one_line_of_the_log_whatever_people_write() -> None:
    (row,) = forgery.logs(FEW)
    assert row.held, row


def test_nothing_in_a_trace_is_markup_in_the_page() -> None:
    (row,) = forgery.pages(FEW)
    assert row.held, row
