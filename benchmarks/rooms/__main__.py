"""`python -m benchmarks.rooms`: rooms side by side, as tables; with --write, into benchmarks/rooms/README.md."""

import argparse
import signal
import sys
from typing import NoReturn

from benchmarks.rooms import report
from benchmarks.rooms.measure import JOINING, Amount, chosen, measure
from benchmarks.rooms.peers import Unable


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def listed(values: object) -> str:
    return ",".join(map(str, values))  # type: ignore[call-overload]


def ended(*_: object) -> NoReturn:
    sys.exit("Ended by a signal.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rooms", description=__doc__)
    add, usual = parser.add_argument, Amount()
    add("--members", type=numbers, default=usual.members, help=f"how many are in a room (default {listed(usual.members)})")
    add("--sizes", type=numbers, default=usual.sizes, help=f"bytes a message (default {listed(usual.sizes)})")
    add("--flight", type=numbers, default=usual.flights, help=f"messages in flight (default {listed(usual.flights)})")
    add("--rounds", type=int, default=usual.rounds, help="turns of each server in each case (default %(default)s)")
    add("--seconds", type=float, default=usual.seconds, help="how long a turn is (default %(default)s)")
    add("--joins", type=int, default=usual.joins, help=f"rounds in which {JOINING} join a new server (default %(default)s)")
    add("--calm", type=float, default=usual.calm, metavar="SHARE", help="repeat turns in which others took more of the machine")
    add("--only", default="", metavar="NAMES", help="only these servers, with commas between them")
    add("--write", action="store_true", help="write the tables into benchmarks/rooms/README.md")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, ended)  # so that no server stays behind
    amount = Amount(given.members, given.sizes, given.flight, given.rounds, given.seconds, given.joins, given.calm)
    try:
        text = report.tables(measure(chosen([name for name in given.only.split(",") if name]), amount), amount)
    except Unable as reason:
        sys.exit(str(reason))
    print(text)
    if given.write:
        report.write(text)


if __name__ == "__main__":
    main()
