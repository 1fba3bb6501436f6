"""Newcomers beside addresses that replay one message A, against a real server. How long they wait, no test says."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.system.resources import newcomers
from tests.system.resources.attacks import SHORT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses every address of 127.0.0.0/8, as Linux has them")


def test_newcomers_get_in_beside_a_flood_of_unfinished_handshakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    rows = list(newcomers.newcomers(replace(SHORT, seconds=1.0)))
    assert len(rows) == len(newcomers.HELD)
    assert all(row.held for row in rows), rows


def test_a_delay_is_what_a_handshake_takes_longer_than_undisturbed() -> None:
    found = newcomers.Measured([1.0, 2.0, 3.0], [2.5, 1.5, 4.0], 0, 0.0, 0.0, 0.0, 0.0)
    assert found.delays == [0.0, 0.5, 2.0]
    assert [newcomers.at(found.delays, share) for share in (0, 0.5, 0.95, 1)] == [0.0, 0.5, 2.0, 2.0]
