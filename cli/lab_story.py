"""`chat lab --why`: each cell told step by step, with the bytes."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from plytalk.cli.main import paint
from plytalk.core.contracts.sanitise import clean
from plytalk.lab.attacks.matrix import Cell
from plytalk.lab.attacks.narrative import NarratedStep

WIDTH, INDENT = 80, 6
SHOWN = 32
"""How many bytes of a step are shown."""


def as_story(cells: Sequence[Cell]) -> str:
    return "\n\n".join("\n".join(story(cell)) for cell in cells)


def story(cell: Cell) -> Iterator[str]:
    """What was predicted and measured, what happened in order, and what both users saw in the end; of the control only if it
    went wrong.
    """
    yield paint(f"{cell.attack} on {cell.stack}, seed {cell.seed}: predicted {cell.predicted}, measured {cell.measured}", "1", 1)
    if cell.target is None and cell.agrees:
        return  # the control, in which nobody did anything
    if cell.record is None:
        yield from (f"  the attacker {clean(line)}" for line in cell.log)
        return
    for number, step in enumerate(cell.record.interceptor.narrative, 1):
        yield from step_lines(number, step)
    for line in cell.record.learned if cell.attack == "eavesdrop" else ():
        yield f"  learned: {line}"
    for role, participant in cell.record.participants.items():
        yield f"  the {role.value} said {len(participant.said)} lines and was shown {len(participant.shown)}:"
        yield from (f"    | {clean(line)}" for line in participant.shown)
        yield from (f"    asked: {clean(question)}" for question in participant.asked)
        yield from (f"    alarm: {clean(alarm)}" for alarm in participant.alarms)
        yield f"    ended: {participant.ending.reason if participant.ending else 'never began'}"


def step_lines(number: int, step: NarratedStep) -> Iterator[str]:
    """A sentence, wrapped, and below it the bytes: in hexadecimal, with what of them is text."""
    size = f", {len(step.data):,} bytes" if step.data else ""
    first, *more = wrap(clean(step.sentence) + size, WIDTH - INDENT) or [""]
    yield f"{number:>4}  {first}"
    yield from (" " * INDENT + line for line in more)
    if step.data:
        yield " " * INDENT + step.data[:SHOWN].hex() + ("..." if len(step.data) > SHOWN else "")
        if step.data.isascii() and (text := step.data.decode()).isprintable():
            yield " " * INDENT + f"as text: {text[: WIDTH - 2 * INDENT - 3]}"
