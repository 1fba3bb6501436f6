"""The history checker, for as long as a test may take; longer it is `./run python -m tests.system.rooms.history --minutes N`."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WHAT_HAPPENS = {
    "cut",
    "cut everybody",
    "cut one way",
    "end the server",
    "kill a client",
    "kill the server",
    "reset",
    "stall",
    "stall and cut",
}


@pytest.mark.parametrize("options", [("--seconds", "45"), ("--seconds", "15", "--no-history")], ids=["history", "none"])
def test_nothing_is_lost_nothing_comes_twice_and_all_see_the_same(options: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "tests.system.rooms.history", *options]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert {part.partition(": ")[0] for part in run.stdout.splitlines()[1].split(", ")} == WHAT_HAPPENS
    assert " 0 acknowledged" not in run.stdout
