"""`chat lab`: every attack against every stack."""

import json
from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

import click

from plytalk.cli import classroom
from plytalk.cli.fuzz_commands import compare, fuzz
from plytalk.cli.main import paint
from plytalk.cli.parameters import TEXT
from plytalk.cli.stacks import Blocked
from plytalk.cli.trace_option import trace_option, tracing
from plytalk.core.contracts.attack import Attack, Outcome
from plytalk.core.contracts.errors import Exit, Usage
from plytalk.core.contracts.sanitise import clean
from plytalk.core.io.standard_streams import tell
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.matrix import Cell, measure
from plytalk.lab.attacks.run import Passive
from plytalk.lab.attacks.scenario import Scenario, scenarios

EXAMPLES = """\b
Examples:
  chat lab                                        the whole matrix, each attack once: the short form, seconds
  chat lab --seeds 20                             the long form, each attack with twenty seeds: minutes
  chat lab --attack replay --stack secure-chat    one cell
  chat lab --attack replay --stack secure-chat --why
  chat lab --attack mitm --stack demo02 --trace mitm.trace    what the attacker sees, for `chat inspect`
  chat lab --json                                 for programs
"""
COLOURS = {Outcome.HELD: "32", Outcome.BROKEN: "31", Outcome.NOT_APPLICABLE: "2", Outcome.ERROR: "35"}
WIDTH = 8
NARROW = {Outcome.NOT_APPLICABLE: "-"}
"""What stands in the table for a word that is too long for a column."""
LEGEND = (
    "held: the attack failed or was noticed.  broken: it succeeded, and nobody noticed.  -: not applicable.\n"
    "error: a layer failed.  !: measured otherwise than predicted.  passive: the control, an honest conversation."
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Attacks and stacks</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body {{ font: 16px/1.4 system-ui, sans-serif; margin: 24px; }}
table {{ border-collapse: collapse; }} th, td {{ border: 1px solid #bbb; padding: 4px 8px; text-align: left; }}
.HELD {{ background: #d7f2e0; }} .BROKEN {{ background: #fbd9d5; }} .ERROR {{ background: #e7d6f5; }}
.NOT_APPLICABLE {{ color: #777; }}
.False {{ outline: 3px solid #b3261e; }}
</style></head><body><h1>Attacks and stacks</h1>
<p>Measured; what differs from the prediction has a red frame. The first row is the control, an honest conversation.</p>
<table><tr><th>attack</th>{head}</tr>
{body}
</table></body></html>"""


@click.group(invoke_without_command=True, epilog=EXAMPLES)
@click.option(
    "--stack", "stacks", type=TEXT, multiple=True, metavar="NAME", help="Only this stack, by its name in the matrix (repeatable)."
)
@click.option("--attack", "attacks", type=TEXT, multiple=True, metavar="NAME", help="Only this attack (repeatable).")
@click.option(
    "--seeds", type=click.IntRange(1, 100_000), default=1, metavar="N", help="How many seeds for each cell (default 1)."
)
@click.option("--json", "form", flag_value="json", help="Print the cells as a list of objects.")
@click.option("--markdown", "form", flag_value="markdown", help="Print the matrix as a table in Markdown.")
@click.option("--html", "form", flag_value="html", help="Print the matrix as a self-contained page.")
@click.option("--why", "form", flag_value="why", help="Tell what happened in each cell, down to the byte.")
@click.option("-p", "blocked", multiple=True, type=Blocked(), metavar="no:NAME", help="Block a plugin (repeatable).")
@trace_option
@click.pass_context
def lab(
    ctx: click.Context,
    stacks: tuple[str, ...],
    attacks: tuple[str, ...],
    seeds: int,
    form: str | None,
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
        cells = list(measure(chosen, kinds, range(seeds), progress=progress, trace=tracer))
    if not cells:
        raise Usage("No stack could be attacked.", "What is missing is shown above.")
    shown = {"json": as_json, "markdown": as_markdown, "html": as_html, "why": as_story}.get(form or "", as_table)
    print(shown(cells))
    wrong = [cell for cell in cells if not cell.agrees]
    for cell in wrong:
        sentence = f"{cell.attack} on {cell.stack} (seed {cell.seed}): predicted {cell.predicted}, measured {cell.measured}."
        tell(paint(sentence, "31"))
    return int(Exit.FAILED if wrong else Exit.OK)


def progress(line: str) -> None:
    tell(clean(line))


for _command in (fuzz, compare, classroom.exercise, classroom.report, classroom.grade):
    lab.add_command(_command)


def chosen_scenarios(registry: Registry, names: Sequence[str]) -> list[Scenario]:
    """The scenarios of these names, or all. Raises Usage."""
    every = list(scenarios(registry))
    if unknown := set(names) - {scenario.name for scenario in every}:
        raise Usage(f"The lab has no stack {sorted(unknown)[0]!r}.", f"It has: {', '.join(scenario.name for scenario in every)}.")
    return [scenario for scenario in every if not names or scenario.name in names]


def chosen_attacks(registry: Registry, names: Sequence[str]) -> list[type[Attack]]:
    """The attacks of these names, or all that are installed and work. Raises UnknownLayer."""
    return [registry.attack(name) for name in names or registry.names(Attack.kind)]


def as_json(cells: Sequence[Cell]) -> str:
    return json.dumps(
        [
            {
                "attack": cell.attack,
                "stack": cell.stack,
                "seed": cell.seed,
                "predicted": cell.predicted,
                "measured": cell.measured,
            }
            for cell in cells
        ],
        indent=1,
    )


def rows(cells: Iterable[Cell]) -> dict[str, dict[str, list[Cell]]]:
    """The cells by attack, then by stack."""
    table: dict[str, dict[str, list[Cell]]] = {}
    for cell in cells:
        table.setdefault(cell.attack, {}).setdefault(cell.stack, []).append(cell)
    return table


def worst(cells: Sequence[Cell]) -> Cell:
    """The cell to show for several seeds: one that differs from its prediction, then one where the attack succeeded."""
    return min(cells, key=lambda cell: (cell.agrees, cell.measured is not Outcome.BROKEN))


def style(cell: Cell) -> str:
    """The outcome that colours a cell; empty for the control, unless that went wrong."""
    return "" if cell.attack == Passive.name and cell.agrees else cell.measured.name


def as_table(cells: Sequence[Cell]) -> str:
    """Attacks down, stacks across under letters, for a terminal."""
    stacks = list(dict.fromkeys(cell.stack for cell in cells))
    letters = [chr(ord("A") + number) if number < 26 else str(number) for number in range(len(stacks))]
    lines = [f"  {letter}  {stack}" for letter, stack in zip(letters, stacks, strict=True)]
    lines += ["", f"{'':<22}" + "".join(f"{letter:<{WIDTH}}" for letter in letters)]
    for attack, by_stack in rows(cells).items():
        line = f"{attack:<22}"
        for stack in stacks:
            cell = worst(by_stack[stack]) if stack in by_stack else None
            line += narrow(cell) if cell else " " * WIDTH
        lines.append(line.rstrip())
    return "\n".join([*lines, "", LEGEND])


def narrow(cell: Cell) -> str:
    """A cell of the table for a terminal."""
    text = f"{NARROW.get(cell.measured, cell.measured) + ('' if cell.agrees else '!'):<{WIDTH}}"
    return paint(text, COLOURS[cell.measured], 1) if style(cell) else text


def as_markdown(cells: Sequence[Cell]) -> str:
    stacks = list(dict.fromkeys(cell.stack for cell in cells))
    lines = ["| attack | " + " | ".join(stacks) + " |", "|---" * (len(stacks) + 1) + "|"]
    for attack, by_stack in rows(cells).items():
        words = (worst(by_stack[stack]).measured if stack in by_stack else "" for stack in stacks)
        lines.append(f"| {attack} | " + " | ".join(words) + " |")
    return "\n".join(lines)


def as_html(cells: Sequence[Cell]) -> str:
    """The matrix as a page: what held is green, what is broken red, and what differs from its prediction has a frame."""
    stacks = list(dict.fromkeys(cell.stack for cell in cells))
    head = "".join(f"<th>{escape(stack)}</th>" for stack in stacks)
    body = []
    for attack, by_stack in rows(cells).items():
        shown = [worst(by_stack[stack]) if stack in by_stack else None for stack in stacks]
        tds = (f'<td class="{style(cell)} {cell.agrees}">{cell.measured}</td>' if cell else "<td></td>" for cell in shown)
        body.append(f"<tr><th>{escape(attack)}</th>{''.join(tds)}</tr>")
    return PAGE.format(head=head, body="\n".join(body))


def as_story(cells: Sequence[Cell]) -> str:
    """What happened in each cell: what the attack did, what both users saw, and every frame."""
    return "\n\n".join("\n".join(story(cell)) for _, group in groupby(cells, lambda cell: cell.stack) for cell in group)


def story(cell: Cell) -> Iterable[str]:
    yield paint(f"{cell.attack} on {cell.stack}, seed {cell.seed}: predicted {cell.predicted}, measured {cell.measured}", "1", 1)
    yield from (f"  the attacker {clean(line)}" for line in cell.log)
    if cell.record is None:
        return
    for role, participant in cell.record.participants.items():
        yield f"  the {role.value} said {len(participant.said)} lines and was shown {len(participant.shown)}:"
        yield from (f"    | {clean(line)}" for line in participant.shown)
        yield from (f"    asked: {clean(question)}" for question in participant.asked)
        yield from (f"    alarm: {clean(alarm)}" for alarm in participant.alarms)
        yield f"    ended: {participant.ending.reason if participant.ending else 'never began'}"
    for frame in cell.record.frames:
        where = "handshake" if frame.handshake else "frame"
        yield f"  {frame.sender.value:<6} {where} {frame.index} ({len(frame.payload)} bytes)  {frame.payload[:48].hex()}"
