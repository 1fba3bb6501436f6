"""Many members in a real server's rooms, in a short form, and the attacks beside them. How fast anything is, no test says."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.system.resources import rooms
from tests.system.resources.attacks import SHORT

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measures memory by /proc, as Linux has it")
FEW = replace(SHORT, flood=300, seconds=1.0, members=300, a_room=30, period=1.0, slow_in_rooms=120, noise=6.0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


def test_what_is_said_comes_to_all_while_others_send_a_byte_a_second() -> None:
    rows = list(rooms.rooms(FEW, partial(rooms.slow, addresses=200)))
    assert [row.id for row in rows] == ["room", "A41"]
    assert all(row.held for row in rows), rows


def test_what_is_said_comes_to_all_while_others_connect_and_go() -> None:
    rows = list(rooms.rooms(FEW, partial(rooms.flood, addresses=1), partial(rooms.flood, addresses=200)))
    assert [row.id for row in rows] == ["room", "A42", "A42"]
    assert all(row.held for row in rows), rows


def test_who_never_reads_is_sent_away_and_told_why_and_costs_little() -> None:
    rows = list(rooms.rooms(FEW, rooms.stalled))
    assert [row.id for row in rows] == ["room", "A43"]
    assert all(row.held for row in rows), rows
    assert "dropped after" in rows[1].measured
