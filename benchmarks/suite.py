"""Every measurement by its name, and what a run of them gives: plain data, as `python -m benchmarks --json` prints it."""

import sys
from collections.abc import Callable

from benchmarks import goals, measure, pairs
from benchmarks.provenance import commit, today

MEASUREMENTS: dict[str, Callable[[measure.Amount], measure.Figures]] = {
    "one way": measure.one_way,
    "round trip": measure.round_trip,
    "set-up": measure.set_up,
    "start-up": measure.start_up,
    "alone": measure.alone,
    "handshakes": measure.handshaking,
    "handshakes over TCP": measure.handshaking_over_tcp,
    "records": measure.sealing,
    "records together": measure.together,
    "stream": measure.streaming,
    "tracing": measure.traced,
    "goals": goals.all_of_them,
}
BY_NAME = {"goals"}
"""What is measured only where it is named, since it takes the others' figures again, in one run."""


def usual() -> list[str]:
    return [name for name in MEASUREMENTS if name not in BY_NAME]


def everything(amount: measure.Amount, only: tuple[str, ...] = ()) -> measure.Figures:
    """All measurements but those of BY_NAME, or those that are named."""
    figures: measure.Figures = {"rounds": amount.rounds, "python": sys.version.split()[0], "cores": len(pairs.CORES)}
    figures |= {"commit": commit(), "date": today()}
    for name in only or usual():
        figures[name] = MEASUREMENTS[name](amount)
    return figures
