"""`python -m benchmarks`: measure, and print the tables; with --write, put them into benchmarks/README.md."""

import argparse
import json

from benchmarks import report
from benchmarks.measure import Amount
from benchmarks.suite import MEASUREMENTS, everything


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="WHAT", help=f"measure only this: {', '.join(MEASUREMENTS)}")
    parser.add_argument("--rounds", type=int, default=Amount.rounds, help="how often each measurement is taken (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--write", action="store_true", help="write the tables into benchmarks/README.md")
    given = parser.parse_args()
    if unknown := set(given.only) - set(MEASUREMENTS):
        parser.error(f"there is nothing called {sorted(unknown)[0]!r}; there is: {', '.join(MEASUREMENTS)}")
    figures = everything(Amount(rounds=given.rounds), tuple(given.only))
    print(json.dumps(figures, indent=2) if given.json else report.tables(figures))
    if given.write:
        report.write(figures)


if __name__ == "__main__":
    main()
