"""What members can do with files to a real server."""

from pathlib import Path

import pytest

from tests.system.resources.attacks import SHORT
from tests.system.resources.file_members import DEEDS, files


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


def test_who_breaks_the_rules_of_files_harms_nobody() -> None:
    rows = list(files(SHORT))
    assert len(rows) == len(DEEDS)
    assert all(row.held for row in rows), rows
