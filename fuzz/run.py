"""Coverage-guided fuzzing: `./run python -m fuzz.run --minutes N [TARGET...]`; all targets unless some are named.

Each target gets an equal share of the time, on as many processors as `--jobs` says. New inputs that reach new code are kept in
fuzz/found/ and are where the next run begins, together with the committed fuzz/corpus/. The first input that crashes, or takes
longer than SECONDS_EACH, ends the run with exit code 1 and stands in fuzz/crashes/.
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
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from fuzz.targets import TARGETS

HERE = Path(__file__).parent
SECONDS_EACH = 10
LONGEST = 4096
FLAGS = (f"-timeout={SECONDS_EACH}", f"-max_len={LONGEST}", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0")
DONE = re.compile(r"number_of_executed_units: *(\d+)")


class Crash(Exception):
    """A target crashed or hung. Its text is what atheris said."""


def fuzz(target: str, seconds: float) -> int:
    """How many inputs the target took in this time. Raises Crash."""
    found, crashes = HERE / "found" / target, HERE / "crashes"
    for folder in (found, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    said = subprocess.run(
        [
            *(sys.executable, "-m", "fuzz.one", target),
            *(*FLAGS, f"-max_total_time={max(1, round(seconds))}", f"-artifact_prefix={crashes}/{target}-"),
            *(str(found), str(HERE / "corpus" / target)),
        ],
        cwd=HERE.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    output = said.stdout.decode(errors="replace")
    done = DONE.search(output)
    if said.returncode or not done:
        raise Crash(f"{target} crashed:\n{output[-4000:]}")
    return int(done[1])


def run(targets: Sequence[str], minutes: float, jobs: int) -> dict[str, int]:
    """The inputs of each target. Raises Crash as soon as one crashes; those that run beside it end first."""
    share = minutes * 60 * jobs / len(targets)
    inputs: dict[str, int] = {}

    def one(target: str) -> None:
        inputs[target] = fuzz(target, share)
        print(f"{target:<18} {inputs[target]:>12,} inputs in {share:.0f} s", flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(one, target) for target in targets]
        finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
        pool.shutdown(cancel_futures=True)
    for future in finished:
        future.result()
    return inputs


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz.run", description="Fuzz what reads bytes, guided by coverage.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of: {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--minutes", type=float, default=5.0, metavar="N", help="how long in all (default 5)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="how many at a time (default: one a processor)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures into this file as well")
    chosen = parser.parse_args(arguments)
    if unknown := [target for target in chosen.targets if target not in TARGETS]:
        parser.error(f"there is no target {unknown[0]!r}; there are {', '.join(TARGETS)}")
    if find_spec("atheris") is None:
        print("Guided fuzzing needs the package `atheris`: ./run pip install '.[fuzz]'", file=sys.stderr)
        return 2
    began = time.monotonic()
    try:
        inputs = run(chosen.targets or list(TARGETS), chosen.minutes, max(1, chosen.jobs))
    except Crash as crash:
        print(f"{crash}\nThe input is in {HERE / 'crashes'}.", file=sys.stderr)
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
