"""`python -m tests.system.resources`: attack a real server and every screen; print what was measured."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator

from tests.system.resources import report
from tests.system.resources.attacks import ATTACKS, SHORT, Amount, Row
from tests.system.resources.file_members import files
from tests.system.resources.forgery import logs, names, pages
from tests.system.resources.insiders import insider, join, replay, resume
from tests.system.resources.memory import memory
from tests.system.resources.newcomers import newcomers
from tests.system.resources.rooms import rooms
from tests.system.resources.screen import leaks
from tests.system.resources.silent import silent
from tests.system.resources.sinks import SINKS
from tests.system.resources.strings import hostile


def screens(amount: Amount) -> Iterator[Row]:
    """A30, A33, A35: hostile texts into every sink."""
    texts = hostile(amount.texts)
    for name, sink in SINKS.items():
        try:
            lines = sink(texts)
            wrong = leaks(name, lines)
        except AssertionError as error:
            lines, wrong = [], [str(error)]
        told = f"{len(lines):,} lines printed, {len(wrong):,} not harmless"
        yield Row("A30", f"{amount.texts:,} hostile texts into {name}", told, "none reaches the terminal", not wrong)


def main() -> int:
    many = (screens, names, logs, pages, *ATTACKS, silent, newcomers, rooms, memory, resume, join, replay, insider, files)
    attacks = {one.__name__: one for one in many}
    parser = argparse.ArgumentParser(prog="python -m tests.system.resources", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="WHAT", help=f"only these: {', '.join(attacks)}")
    parser.add_argument("--short", action="store_true", help="few of everything, for every day")
    parser.add_argument("--write", action="store_true", help=f"write what was measured into {report.PAGE.name}")
    given = parser.parse_args()
    if unknown := set(given.only) - set(attacks):
        parser.error(f"there is nothing called {sorted(unknown)[0]!r}")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as home:
        os.environ["PLYTALK_HOME"] = home
        for name, attack in attacks.items():
            if not given.only or name in given.only:
                for row in attack(SHORT if given.short else Amount()):
                    print(f"{row.id}  {'held' if row.reached else 'NOT REACHED':<11}  {row.done}: {row.measured}", flush=True)
                    rows.append(row)
    if given.write:
        report.write(rows, fresh=not given.only)
    return int(not all(row.reached for row in rows))


if __name__ == "__main__":
    sys.exit(main())
