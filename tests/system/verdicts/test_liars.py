"""The lab finds layers that promise more than they do, and passes the ones that `chat plugins new` makes."""

from pathlib import Path

import pytest
from programs import chat
from strangers import plant
from verdicts.liars import LIARS, LyingLayer

from plytalk.core.contracts.attack import Outcome
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.matrix import Cell, measure
from plytalk.lab.attacks.scenario import scenarios

ATTACKED = ("cipher", "handshake", "framer", "auth", "messages")


def cells_of(kind: str, name: str) -> list[Cell]:
    """All attacks on the stacks of a layer that is installed."""
    host = Registry()
    attacked = [one for one in scenarios(host) if one.name.endswith(f"--{kind} {name}")]
    assert attacked
    return list(measure(attacked, [host.attack(attack) for attack in host.names("attack")]))


@pytest.mark.parametrize("liar", LIARS, ids=lambda liar: f"{liar.kind}-{liar.fault.replace(' ', '-')}")
def test_a_layer_that_promises_too_much_is_found(liar: LyingLayer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    plant(tmp_path, f"plytalk-{liar.kind}-liar", {f"{liar.kind}-liar": liar.text})
    found = {cell.attack for cell in cells_of(liar.kind, "liar") if not cell.agrees}
    assert set(liar.succeeding) - found == set()


@pytest.mark.parametrize("kind", ATTACKED)
def test_every_scaffold_passes_the_lab(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = chat("plugins", "new", f"plytalk-{kind}-mine", "--kind", kind, folder=tmp_path)
    assert made.returncode == 0, made.stderr
    [module] = (tmp_path / f"plytalk-{kind}-mine").glob("plytalk_*.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    plant(tmp_path, f"plytalk-{kind}-mine", {f"{kind}-mine": module.read_text()})
    cells = cells_of(kind, "mine")
    assert [f"{cell.attack}: {cell.predicted} -> {cell.measured}" for cell in cells if not cell.agrees] == []
    assert any(cell.measured is Outcome.HELD for cell in cells[1:])
