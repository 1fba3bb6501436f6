"""The lab is real: every defence, taken out by one line, turns the cells of the matrix red that it defends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from lab.weakenings import WEAKENINGS, Weakening

PROGRAM = Path(__file__).parent / "weakened.py"
ROOT = PROGRAM.parents[2]


def measured(weakening: Weakening, old: str, new: str) -> list:
    """The control and the cell, of each cell that the weakening names."""
    order = {"file": weakening.file, "old": old, "new": new, "cells": weakening.red}
    run = subprocess.run([sys.executable, PROGRAM], input=json.dumps(order), capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("weakening", WEAKENINGS, ids=lambda weakening: weakening.name.replace(" ", "-"))
def test_a_weakened_defence_is_seen(weakening: Weakening) -> None:
    for (stack, attack, seed), (control, cell) in zip(
        weakening.red, measured(weakening, weakening.old, weakening.new), strict=True
    ):
        where = f"{attack} on {stack}, seed {seed}"
        assert control[:2] == ["undetected", "undetected"], f"{where}: the honest conversation fails: {control}"
        assert cell[:2] == ["detected", "undetected"], f"{where}: {cell}"
