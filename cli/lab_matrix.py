"""The cells of `chat lab`, shown: as a table for a terminal, for programs, as Markdown, as a page."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from string import ascii_lowercase, ascii_uppercase

from plytalk.cli.main import paint
from plytalk.core.contracts.attack import Outcome, Target
from plytalk.lab.attacks.matrix import Cell

COLOURS = {Outcome.HELD: "32", Outcome.BROKEN: "31", Outcome.NOT_APPLICABLE: "2", Outcome.ERROR: "35"}
LETTERS = {Outcome.HELD: "h", Outcome.BROKEN: "B", Outcome.NOT_APPLICABLE: "-", Outcome.ERROR: "E"}
LABELS = ascii_uppercase + ascii_lowercase
COLUMN, NAMES, COLUMNS = 2, 23, 28
"""Characters of a cell and of an attack's name, and how many stacks have room beside each other in 80 columns."""
CONTROL = "the control, an honest conversation"
LEGEND = (
    "h  held: the attack failed or was noticed     -  not applicable to this stack\n"
    "B  broken: it succeeded, and nobody noticed   E  error: a plugin failed\n"
    "!  measured outcome differs from the predicted one"
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Attacks and stacks</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
/* The names of attacks and of stacks stay where they are while the table moves under them. */
:root {{ color-scheme: light dark; --paper: light-dark(#fff, #15171c); --line: light-dark(#bbb, #555); }}
body {{ font: 16px/1.4 system-ui, sans-serif; margin: 0; padding: 16px; box-sizing: border-box; height: 100dvh; }}
body {{ display: flex; flex-direction: column; background: var(--paper); color: light-dark(#1b1e24, #e6e8ec); }}
h1, p {{ margin: 0 0 12px; }}
div {{ flex: 1; min-height: 50vh; overflow: auto; }}
table {{ border-spacing: 0; width: max-content; }}
th, td {{ padding: 4px 8px; text-align: left; border: solid var(--line); border-width: 0 1px 1px 0; }}
th {{ position: sticky; left: 0; max-width: 9em; overflow-wrap: anywhere; background: var(--paper); }}
th[scope="col"] {{ top: 0; z-index: 1; }}
th[scope="col"] ~ th {{ left: auto; z-index: auto; }}
th[colspan] {{ position: static; max-width: none; background: light-dark(#eee, #2a2e36); }}
th span {{ position: sticky; left: 8px; }}
.HELD {{ background: light-dark(#d7f2e0, #163d27); }}
.BROKEN {{ background: light-dark(#fbd9d5, #57211c); }}
.ERROR {{ background: light-dark(#e7d6f5, #41265c); }}
.NOT_APPLICABLE {{ color: light-dark(#666, #a0a6b0); }}
.False {{ outline: 3px solid light-dark(#b3261e, #ff9d94); outline-offset: -3px; }}
@media print {{ body, div {{ display: block; height: auto; overflow: visible; }} }}
</style></head><body><h1>Attacks and stacks</h1>
<p>Measured; what differs from the prediction has a red frame. The first row is the control, an honest conversation.</p>
<div tabindex="0" role="region" aria-label="The matrix"><table><tr><th scope="col">attack</th>{head}</tr>
{body}
</table></div></body></html>"""


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


AttackRow = Mapping[str, Sequence[Cell]]
"""The cells of an attack, by stack."""


def groups(cells: Iterable[Cell]) -> dict[str, dict[str, AttackRow]]:
    """The cells by what is attacked, then by attack, then by stack; the control first."""
    found: dict[str, dict[str, dict[str, list[Cell]]]] = {CONTROL: {}, **{target: {} for target in Target}}
    for cell in cells:
        row = found[cell.target or CONTROL].setdefault(cell.attack, {})
        row.setdefault(cell.stack, []).append(cell)
    return {target: dict(attacks) for target, attacks in found.items() if attacks}


def worst(cells: Sequence[Cell]) -> Cell:
    """The cell to show for several seeds: one that differs from its prediction, then one where the attack succeeded."""
    return min(cells, key=lambda cell: (cell.agrees, cell.measured is not Outcome.BROKEN))


def style(cell: Cell) -> str:
    """The outcome that colours a cell; empty for the control, unless that went wrong."""
    return "" if not cell.target and cell.agrees else cell.measured.name


def stacks_of(cells: Iterable[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.stack for cell in cells))


# -- for a terminal ------------------------------------------------------------------------------------------------------------


def as_table(cells: Sequence[Cell]) -> str:
    """Attacks down, stacks across under letters, in 80 columns: more stacks than have room there come in a further table."""
    stacks, lines = stacks_of(cells), []
    for start in range(0, len(stacks), COLUMNS):
        some = stacks[start : start + COLUMNS]
        lines += [f"  {letter}  {stack}" for letter, stack in zip(LABELS, some, strict=False)]
        lines += ["", " " * NAMES + " ".join(LABELS[: len(some)])]
        for target, attacks in groups(cell for cell in cells if cell.stack in some).items():
            lines += [target, *(table_row(attack, row, some) for attack, row in attacks.items())]
        lines.append("")
    return "\n".join([*lines, LEGEND])


def table_row(attack: str, row: AttackRow, stacks: Sequence[str]) -> str:
    cells = (narrow(worst(row[stack])) if stack in row else " " * COLUMN for stack in stacks)
    return f"  {attack:<{NAMES - 2}}" + "".join(cells).rstrip()


def narrow(cell: Cell) -> str:
    """A cell of the table for a terminal."""
    text = LETTERS[cell.measured] + (" " if cell.agrees else "!")
    return paint(text, COLOURS[cell.measured], 1) if style(cell) else text


# -- for pages -----------------------------------------------------------------------------------------------------------------


def as_markdown(cells: Sequence[Cell]) -> str:
    stacks = stacks_of(cells)
    lines = ["| attack | " + " | ".join(stacks) + " |", "|---" * (len(stacks) + 1) + "|"]
    for target, attacks in groups(cells).items():
        lines.append(f"| *{target}* |" + " |" * len(stacks))
        for attack, row in attacks.items():
            words = (worst(row[stack]).measured if stack in row else "" for stack in stacks)
            lines.append(f"| {attack} | " + " | ".join(words) + " |")
    return "\n".join(lines)


def as_html(cells: Sequence[Cell]) -> str:
    """The matrix as a page: what held is green, what is broken red, and what differs from its prediction has a frame."""
    stacks = stacks_of(cells)
    head = "".join(f'<th scope="col">{escape(stack)}</th>' for stack in stacks)
    return PAGE.format(head=head, body="\n".join(page_rows(cells, stacks)))


def page_rows(cells: Sequence[Cell], stacks: Sequence[str]) -> Iterator[str]:
    for target, attacks in groups(cells).items():
        yield f'<tr><th colspan="{len(stacks) + 1}" scope="rowgroup"><span>{escape(target)}</span></th></tr>'
        for attack, row in attacks.items():
            shown = [worst(row[stack]) if stack in row else None for stack in stacks]
            tds = (f'<td class="{style(cell)} {cell.agrees}">{cell.measured}</td>' if cell else "<td></td>" for cell in shown)
            yield f'<tr><th scope="row">{escape(attack)}</th>{"".join(tds)}</tr>'
