"""What clients that have got in can do to a real server, and that each row is red where its defence is taken out."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lab.weakenings import RESOURCES, ResourceWeakening

from resources import insiders
from resources.attacks import SHORT, Row

WEAKENED = Path(__file__).resolve().parents[1] / "lab" / "weakened.py"
FEW = replace(SHORT, joins=10, insider=1.0, beside_insider=5)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


ATTACKS: dict[str, Callable[..., Iterator[Row]]] = {"resume": insiders.resume, "join": insiders.join}


@pytest.mark.parametrize("name", ATTACKS)
def test_it_fails(name: str) -> None:
    [row] = ATTACKS[name](FEW)
    assert row.held, row


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measures memory by /proc, as Linux has it")
def test_who_asks_for_more_than_its_share_costs_others_nothing_that_they_said() -> None:
    rows = list(insiders.insider(FEW))
    assert len(rows) == len(insiders.FLOODS)
    assert all(row.held for row in rows), rows


@pytest.mark.parametrize("weakening", RESOURCES, ids=lambda weakening: weakening.name.replace(" ", "-"))
def test_it_succeeds_where_the_defence_is_taken_out(weakening: ResourceWeakening) -> None:
    change = json.dumps({"file": weakening.file, "old": weakening.old, "new": weakening.new})
    [row] = ATTACKS[weakening.row](FEW, program=(str(WEAKENED), "--chat", change))
    assert not row.held, row
