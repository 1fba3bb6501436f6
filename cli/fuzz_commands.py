"""`chat lab fuzz` and `chat lab compare`: a handshake against its contract, and against another implementation."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import click

from plytalk.cli.main import paint
from plytalk.cli.parameters import TEXT, SecondsType
from plytalk.core.contracts.errors import Exit, HandshakeFailed, Usage
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.sanitise import clean
from plytalk.core.io.standard_streams import tell
from plytalk.core.io.temporary_folder import TemporaryFolder
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.scenario import scenario_of_layer
from plytalk.lab.fuzz.differential import Comparison, Differential
from plytalk.lab.fuzz.handshake_fuzzer import FuzzReport, HandshakeFuzzer

SECONDS = 60.0
MEMORY = 1024**3
"""How many bytes a handshake may allocate beyond what the program has: one that allocates what a length field says fails."""
EVERY = 5.0
"""Seconds between two lines of progress."""
FUZZ_EXAMPLES = """\b
Examples:
  chat lab fuzz mine                  a minute, and a sentence for each fault that was found
  chat lab fuzz mine --seconds 600    ten minutes
  chat lab fuzz mine --seed 7         other changes
  chat lab fuzz mine --json           for programs
"""
COMPARE_EXAMPLES = """\b
Examples:
  chat lab compare mine theirs        for a minute, give both the same changed messages
"""
seconds_option = click.option(
    "--seconds", type=SecondsType(0.1), default=SECONDS, metavar="S", help=f"How long to look (default {SECONDS:g})."
)
seed_option = click.option("--seed", type=int, default=0, metavar="N", help="The seed of the changes (default 0).")
first_option = click.option("--first", "first_only", is_flag=True, help="Stop at the first fault.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.command(epilog=FUZZ_EXAMPLES)
@click.argument("handshake", type=TEXT)
@seconds_option
@seed_option
@first_option
@json_option
@click.pass_obj
def fuzz(registry: Registry, handshake: str, seconds: float, seed: int, first_only: bool, as_json: bool) -> int:
    """Look for faults in a handshake, guided by the coverage of its code.

    It runs the conformance kit, compares undisturbed conversations, replays messages, and changes messages at random. The exit
    code is 1 if it found a fault.
    """
    with TemporaryFolder("plytalk-fuzz-") as folder, limited_memory():
        make = maker(registry, handshake, folder)
        fuzzer = HandshakeFuzzer(lambda: make(Role.INITIATOR), lambda: make(Role.RESPONDER), seed)
        found = fuzzer.report
        goes = until(seconds, lambda: f"{found.attempts:,} handshakes, {counted(len(found.findings), 'fault')}")
        report = fuzzer.run(lambda report: goes(report) and not (first_only and report.findings))
    print(_fuzz_json(handshake, report) if as_json else _fuzz_text(handshake, report))
    return int(Exit.FAILED if report.findings else Exit.OK)


def _fuzz_text(name: str, report: FuzzReport) -> str:
    lines = []
    for finding in report.findings:
        lines.append(paint(clean(finding.sentence), "31", 1))
        if finding.change:
            lines.append(f"  after: {finding.change}")
    reached = f"{report.lines} of {report.all_lines} lines of {name} ran."
    return "\n".join([*lines, f"{counted(len(report.findings), 'fault')} found in {report.attempts:,} handshakes; {reached}"])


def _fuzz_json(name: str, report: FuzzReport) -> str:
    findings = [{"sentence": one.sentence, "change": one.change} for one in report.findings]
    found = {"handshakes": report.attempts, "lines": report.lines, "all_lines": report.all_lines, "findings": findings}
    return json.dumps({"handshake": name, **found}, indent=2)


@click.command(epilog=COMPARE_EXAMPLES)
@click.argument("first", type=TEXT)
@click.argument("second", type=TEXT)
@seconds_option
@seed_option
@first_option
@json_option
@click.pass_obj
def compare(registry: Registry, first: str, second: str, seconds: float, seed: int, first_only: bool, as_json: bool) -> int:
    """Give two implementations of one handshake the same changed messages.

    The two must understand each other. The exit code is 1 if one accepts what the other refuses.
    """
    if first == second:
        raise Usage("Both names are the same handshake.", "Name two implementations of one protocol.")
    with TemporaryFolder("plytalk-compare-") as folder, limited_memory():
        makes = {name: maker(registry, name, folder / name) for name in (first, second)}
        differential = Differential(makes, seed)
        goes = until(seconds, lambda: f"{differential.comparison.attempts:,} handshakes")
        try:
            comparison = differential.run(lambda comparison: goes(comparison) and not (first_only and comparison.differences))
        except HandshakeFailed as error:
            raise Usage(str(error), "Compare two implementations of one protocol.") from error
    print(_comparison_json((first, second), comparison) if as_json else _comparison_text(comparison))
    return int(Exit.FAILED if comparison.differences else Exit.OK)


def _comparison_text(comparison: Comparison) -> str:
    lines = []
    for one in comparison.differences:
        lines += [paint(str(one), "31", 1), f"  after: {one.change}"]
    return "\n".join(
        [*lines, f"{counted(len(comparison.differences), 'difference')} found in {comparison.attempts:,} handshakes."]
    )


def _comparison_json(names: tuple[str, str], comparison: Comparison) -> str:
    differences = [
        {"receiver": one.receiver.value, "outcomes": dict(one.outcomes), "change": one.change} for one in comparison.differences
    ]
    return json.dumps({"handshakes": names, "attempts": comparison.attempts, "differences": differences}, indent=2)


def counted(number: int, thing: str) -> str:
    """`No fault`, `1 fault`, `2 faults`."""
    return f"No {thing}" if number == 0 else f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def maker(registry: Registry, name: str, folder: Path) -> Callable[[Role], Handshake]:
    """Makes a side of the handshake `name`, with new keys in a new folder each time. Raises ChatError."""
    scenario = scenario_of_layer(registry, "handshake", name)
    numbers = count()

    def make(role: Role) -> Handshake:
        return scenario.stack(role.value, folder / str(next(numbers))).handshake

    return make


def until(seconds: float, progress: Callable[[], str]) -> Callable[[object], bool]:
    """Whether to go on: for this many seconds, and with a line of progress now and then."""
    end, told = time.monotonic() + seconds, time.monotonic()

    def goes(report: object) -> bool:
        nonlocal told
        now = time.monotonic()
        if now - told >= EVERY:
            told = now
            tell(f"{end - now:.0f} s left: {progress()}")
        return now < end

    return goes


@contextmanager
def limited_memory() -> Iterator[None]:
    """Let this process take MEMORY more, where the system can say so, and then raise MemoryError."""
    try:
        import resource  # not on every system

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
