"""Coverage-guided fuzzing: `./run python -m tests.system.fuzz.run --minutes N [TARGET...]`; all targets unless some are named.

Each target gets an equal share of the time, on as many processors as `--jobs` says. New inputs that reach new code are kept in
found/ (or another folder, with `--into`); the next run begins there and with the committed corpus/. The first input that
crashes, or takes longer than SECONDS_EACH, ends the run with exit code 1 and is kept in crashes/.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from tests.system.fuzz.targets import TARGETS

HERE = Path(__file__).parent
SECONDS_EACH = 10
LONGEST = 4096
FLAGS = (f"-timeout={SECONDS_EACH}", f"-max_len={LONGEST}", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0")
DONE = re.compile(r"number_of_executed_units: *(\d+)")


class Crash(Exception):
    """A target crashed or hung. Its text is what atheris said."""


def start(target: str, seconds: float, into: Path, log: IO[bytes]) -> "subprocess.Popen[bytes]":
    """A process that feeds a target for so long and says in `log` how it went."""
    found, crashes = into / "found" / target, into / "crashes"
    for folder in (found, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    flags = (*FLAGS, f"-max_total_time={max(1, round(seconds))}", f"-artifact_prefix={crashes}/{target}-")
    command = [sys.executable, "-m", "tests.system.fuzz.one", target, *flags, str(found), str(HERE / "corpus" / target)]
    return subprocess.Popen(command, cwd=HERE.parents[2], stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def counted(target: str, code: int, said: str) -> int:
    """How many inputs the target took. Raises Crash."""
    done = DONE.search(said)
    if code or not done:
        raise Crash(f"{target} crashed:\n{said[-4000:]}")
    return int(done[1])


def run(targets: Sequence[str], minutes: float, jobs: int, into: Path) -> dict[str, int]:
    """The inputs of each target. Raises Crash as soon as one crashes; those that run beside it are ended."""
    share = minutes * 60 * jobs / len(targets)
    waiting = list(targets)
    running: dict[str, subprocess.Popen[bytes]] = {}
    inputs: dict[str, int] = {}
    with TemporaryDirectory(prefix="plytalk-fuzz-") as folder:
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    target = waiting.pop(0)
                    with (Path(folder) / target).open("wb") as log:
                        running[target] = start(target, share, into, log)
                time.sleep(0.1)
                for target in [one for one, process in running.items() if process.poll() is not None]:
                    said = (Path(folder) / target).read_text(errors="replace")
                    inputs[target] = counted(target, running.pop(target).returncode, said)
                    print(f"{target:<18} {inputs[target]:>12,} inputs in {share:.0f} s", flush=True)
        finally:
            for process in running.values():
                process.kill()
                process.wait()
    return inputs


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.system.fuzz.run", description="Fuzz what reads bytes, guided by coverage."
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of: {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--minutes", type=float, default=5.0, metavar="N", help="how long in all (default 5)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="how many to run at once (default: one per processor)"
    )
    parser.add_argument("--into", type=Path, default=HERE, metavar="FOLDER", help="where found/ and crashes/ are (default: fuzz)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures into this file as well")
    chosen = parser.parse_args(arguments)
    if unknown := [target for target in chosen.targets if target not in TARGETS]:
        parser.error(f"there is no target {unknown[0]!r}; there are {', '.join(TARGETS)}")
    if find_spec("atheris") is None:
        print("Guided fuzzing needs the package `atheris`: ./run --group fuzz", file=sys.stderr)
        return 2
    began = time.monotonic()
    try:
        inputs = run(chosen.targets or list(TARGETS), chosen.minutes, max(1, chosen.jobs), chosen.into.resolve())
    except Crash as crash:
        print(f"{crash}\nThe input is in {chosen.into / 'crashes'}.", file=sys.stderr)
        return 1
    figures = {
        "inputs": sum(inputs.values()),
        "seconds": round(time.monotonic() - began),
        "targets": inputs,
        "versions": {
            "python": platform.python_version(),
            **{name: release(name) for name in ("atheris", "cryptography", "plytalk")},
        },
    }
    print(f"{figures['inputs']:,} inputs to {len(inputs)} targets in {figures['seconds']} s; none crashed or hung.")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def release(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    sys.exit(main())
