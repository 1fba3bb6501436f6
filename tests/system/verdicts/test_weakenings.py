"""The lab is real: every defence, taken out by one line, turns the cells of the matrix red that it defends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from verdicts.weakenings import DEFAULT, OLD_TOLD, RESOURCES, TOLD, WEAKENINGS, Weakening

PROGRAM = Path(__file__).parent / "weakened.py"
ROOT = PROGRAM.parents[3]


def run(weakening: Weakening, cells, **changes) -> subprocess.CompletedProcess:
    order = {"file": weakening.file, "old": weakening.old, "new": weakening.new, "cells": cells, **changes}
    return subprocess.run([sys.executable, PROGRAM], input=json.dumps(order), capture_output=True, text=True, timeout=300)


def measured(weakening: Weakening, cells, **changes) -> list:
    """The control and the cell, as [predicted, measured, what happened], of each cell."""
    ended = run(weakening, cells, **changes)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.parametrize("weakening", WEAKENINGS, ids=lambda weakening: weakening.name.replace(" ", "-"))
def test_a_weakened_defence_is_seen(weakening: Weakening) -> None:
    assert weakening.red
    cells = measured(weakening, weakening.red)
    for (stack, attack, seed), (control, cell) in zip(weakening.red, cells, strict=True):
        where = f"{attack} on {stack}, seed {seed}"
        assert control[:2] == ["held", "held"], f"{where}: the honest conversation fails: {control}"
        assert cell[:2] == ["held", "broken"], f"{where}: {cell}"


def test_there_are_thirty_of_them_and_more() -> None:
    assert len({weakening.name for weakening in WEAKENINGS}) == len(WEAKENINGS) >= 30
    assert len({(weakening.file, weakening.old, weakening.new) for weakening in WEAKENINGS}) == len(WEAKENINGS)


@pytest.mark.parametrize("weakening", WEAKENINGS + RESOURCES, ids=lambda weakening: weakening.name.replace(" ", "-"))
def test_each_changes_one_place_of_our_own_code(weakening: Weakening) -> None:
    text = (ROOT / weakening.file).read_text()
    assert text.count(weakening.old) == 1
    compile(text.replace(weakening.old, weakening.new), weakening.file, "exec")


def test_nothing_is_red_where_nothing_is_weakened() -> None:
    """With the same program, and a change that changes nothing."""
    [weakening] = [weakening for weakening in WEAKENINGS if weakening.name == "the authenticators are not asked"]
    cells = [(stack, "mitm", 0) for stack in (TOLD, OLD_TOLD)]
    for control, cell in measured(weakening, cells, new=weakening.old):
        assert control[:2] == ["held", "held"]
        assert cell[:2] == ["held", "held"]


def test_a_line_that_is_not_there_is_no_weakening() -> None:
    ended = run(WEAKENINGS[0], [(DEFAULT, "drop", 0)], old="no such line")
    assert ended.returncode != 0
    assert "has 0 times: no such line" in ended.stderr
