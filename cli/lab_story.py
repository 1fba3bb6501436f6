"""`chat lab --why`: each cell told step by step, with the bytes."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from plytalk.cli.main import paint
from plytalk.cli.text_rows import columns, hanging
from plytalk.core.contracts.sanitise import clean
from plytalk.lab.attacks.matrix import Cell
from plytalk.lab.attacks.narrative import NarratedStep

WIDTH, INDENT = 80, 6
WIDE = 1000
"""The width of a row without a terminal."""
SHOWN = 32
"""How many bytes of a step are shown."""


def as_story(cells: Sequence[Cell]) -> str:
    return "\n\n".join("\n".join(story(cell)) for cell in cells)


def story(cell: Cell) -> Iterator[str]:
    """What was predicted and measured, what happened in order, and what both users saw in the end; of the control only if it
    went wrong.
    """
    head = f"{cell.attack} on {cell.stack}, seed {cell.seed}: predicted {cell.predicted}, measured {cell.measured}"
    yield from (paint(row, "1", 1) for row in hanging("", head, WIDE))
    if cell.target is None and cell.agrees:
        return  # the control, in which nobody did anything
    if cell.record is None:
        for line in cell.log:
            yield from hanging("  ", f"the attacker {clean(line)}", WIDE)
        return
    for number, step in enumerate(cell.record.interceptor.narrative, 1):
        yield from step_lines(number, step)
    for line in cell.record.learned if cell.attack == "eavesdrop" else ():
        yield from hanging("  learned: ", line, WIDE)
    for role, participant in cell.record.participants.items():
        said, shown = len(participant.said), len(participant.shown)
        yield from hanging("  ", f"the {role.value} said {said} lines and was shown {shown}:", WIDE)
        told = [*(f"| {line}" for line in participant.shown), *(f"asked: {question}" for question in participant.asked)]
        told += [f"alarm: {alarm}" for alarm in participant.alarms]
        told.append(f"ended: {participant.ending.reason if participant.ending else 'never began'}")
        yield from (row for line in told for row in hanging("    ", clean(line), WIDE))


def step_lines(number: int, step: NarratedStep) -> Iterator[str]:
    """A sentence, wrapped, and below it the bytes: in hexadecimal, with what of them is text."""
    size = f", {len(step.data):,} bytes" if step.data else ""
    first, *more = wrap(clean(step.sentence) + size, columns(WIDTH) - INDENT) or [""]
    yield f"{number:>4}  {first}"
    yield from (" " * INDENT + line for line in more)
    if step.data:
        yield " " * INDENT + step.data[:SHOWN].hex() + ("..." if len(step.data) > SHOWN else "")
        if step.data.isascii() and (text := step.data.decode()).isprintable():
            yield " " * INDENT + f"as text: {text[: columns(WIDTH) - 2 * INDENT - 3]}"
