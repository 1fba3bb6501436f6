"""`chat lab`: every attack against every stack."""

from collections.abc import Sequence
from pathlib import Path

import click

from plytalk.cli.lab_matrix import as_html, as_json, as_markdown, as_table
from plytalk.cli.lab_story import as_story
from plytalk.cli.main import LazyGroup, paint
from plytalk.cli.parameters import TEXT
from plytalk.cli.stacks import Blocked
from plytalk.cli.trace_option import trace_option, tracing
from plytalk.core.contracts.attack import Attack, Outcome
from plytalk.core.contracts.errors import Exit, Usage
from plytalk.core.contracts.sanitise import clean
from plytalk.core.io.standard_streams import tell
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.matrix import Cell, measure
from plytalk.lab.attacks.scenario import Scenario, find, scenarios

EXAMPLES = """\b
Examples:
  chat lab                                        the whole matrix, each attack once: the short form, seconds
  chat lab --seeds 20                             the long form, each attack with twenty seeds: minutes
  chat lab --attack replay --stack secure-chat    one cell
  chat lab --attack replay --stack secure-chat --why
  chat lab --stack "plytalk1 --accept-new"        a stack with an option, here at first contact
  chat lab --stack "--cipher mine" --strict       your own layer; exit code 1 also where an attack succeeds
  chat lab --attack mitm --stack demo02 --trace mitm.trace    what the attacker sees, for `chat inspect`
  chat lab --json                                 for programs
"""


# As in `plytalk.cli.main`; the same test compares these lines.
COMMANDS = {
    "class": ("plytalk.cli.class_command", "Serve a class: a room for each student, their progress on a page, and hints."),
    "compare": ("plytalk.cli.fuzz_commands", "Give two implementations of one handshake the same changed messages."),
    "exercise": ("plytalk.cli.classroom", "Show the exercises of the lab book, make their files, and check answers to them."),
    "fuzz": ("plytalk.cli.fuzz_commands", "Look for faults in a handshake, guided by the coverage of its code."),
    "grade": ("plytalk.cli.classroom", "Grade reports: verify them, judge each answer again, and print a table."),
    "handout": ("plytalk.cli.classroom", "Write the worksheets to print: FILE ends with .pdf (needs Chromium) or .html."),
    "interop": (
        "plytalk.cli.vector_commands",
        "Test another program's implementation of a Noise protocol: against vectors, and live in both roles.",
    ),
    "report": ("plytalk.cli.classroom", "Show what a report answers, or hand it in to the class at an address."),
    "vectors": ("plytalk.cli.vector_commands", "Write test vectors of Noise protocols or of handshakes, as JSON."),
}


@click.group(cls=LazyGroup, table=COMMANDS, invoke_without_command=True, epilog=EXAMPLES)
@click.option(
    "--stack",
    "stacks",
    type=TEXT,
    multiple=True,
    metavar="STACK",
    help="Only this stack, by its name in the matrix: a profile with its options, or a layer (repeatable).",
)
@click.option("--attack", "attacks", type=TEXT, multiple=True, metavar="NAME", help="Only this attack (repeatable).")
@click.option(
    "--seeds", type=click.IntRange(1, 100_000), default=1, metavar="N", help="How many seeds for each cell (default 1)."
)
@click.option("--json", "form", flag_value="json", help="Print the cells as a list of objects.")
@click.option("--markdown", "form", flag_value="markdown", help="Print the matrix as a table in Markdown.")
@click.option("--html", "form", flag_value="html", help="Print the matrix as a self-contained page.")
@click.option("--why", "form", flag_value="why", help="Tell what happened in each cell, down to the byte.")
@click.option("--strict", is_flag=True, help="Fail also where an attack succeeds as predicted.")
@click.option("-p", "blocked", multiple=True, type=Blocked(), metavar="no:NAME", help="Block a plugin (repeatable).")
@trace_option
@click.pass_context
def lab(
    ctx: click.Context,
    stacks: tuple[str, ...],
    attacks: tuple[str, ...],
    seeds: int,
    form: str | None,
    strict: bool,
    blocked: tuple[str, ...],
    trace: Path | None,
) -> int:
    """Run every attack on every stack, and compare the outcome with what the layers predict."""
    registry = Registry(blocked)
    if ctx.invoked_subcommand:
        ctx.obj = registry
        return 0
    if trace and (len(stacks), len(attacks), seeds) != (1, 1, 1):
        raise Usage("A trace holds one attack on one stack.", "Name them with --stack and --attack.")
    chosen, kinds = chosen_scenarios(registry, stacks), chosen_attacks(registry, attacks)
    with tracing(trace) as tracer:
        cells = list(measure(chosen, kinds, range(seeds), progress=progress, trace=tracer, keep_records=form == "why"))
    if not cells:
        raise Usage("No stack could be attacked.", "What is missing is shown above.")
    shown = {"json": as_json, "markdown": as_markdown, "html": as_html, "why": as_story}.get(form or "", as_table)
    print(shown(cells))
    wrong = [cell for cell in cells if not cell.agrees]
    for cell in wrong:
        sentence = f"{cell.attack} on {cell.stack} (seed {cell.seed}): predicted {cell.predicted}, measured {cell.measured}."
        if cell.measured is Outcome.ERROR and cell.log:
            sentence += f" {clean(cell.log[-1].removeprefix('failed: '))}"
        tell(paint(sentence, "31"))
    return int(verdict(cells, strict))


def verdict(cells: Sequence[Cell], strict: bool) -> Exit:
    """The exit code: a layer failed, or an outcome is not the predicted one or, where that is asked for, not `held`."""
    if any(cell.measured is Outcome.ERROR for cell in cells):
        return Exit.PLUGIN
    broken = strict and any(cell.measured is Outcome.BROKEN for cell in cells)
    return Exit.FAILED if broken or not all(cell.agrees for cell in cells) else Exit.OK


def progress(line: str) -> None:
    tell(clean(line))


def chosen_scenarios(registry: Registry, names: Sequence[str]) -> list[Scenario]:
    """The scenarios of these names, or all. Raises Usage."""
    every = list(scenarios(registry))
    return [find(every, name) for name in names] or every


def chosen_attacks(registry: Registry, names: Sequence[str]) -> list[type[Attack]]:
    """The attacks of these names, or all that are installed and work. Raises UnknownLayer."""
    return [registry.attack(name) for name in names or registry.names(Attack.kind)]
