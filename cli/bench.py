"""`chat bench`: what a stack costs, beside the built-in ones."""

import asyncio
import json
from statistics import median

import click

from plytalk.api.choice import Choice
from plytalk.cli.main import paint
from plytalk.cli.parameters import SecondsType
from plytalk.cli.stacks import StackCommand, layer_options
from plytalk.core.contracts.limits import DEFAULT_LIMITS
from plytalk.core.io.temporary_folder import TemporaryFolder
from plytalk.core.stack.selection import choose_named, refuse_impossible
from plytalk.lab.bench.stack_costs import StackCost, measure, scenario_of

SIZES = "16,256,4096"
EXAMPLES = """\b
Examples:
  chat bench                                       the built-in stacks
  chat bench --cipher mine --handshake rsa         your own stack beside them
  chat bench --profile demo02 --tcp --rounds 11    through sockets, and for longer
  chat bench --framer mine --json                  for programs
"""


class SizesType(click.ParamType[tuple[int, ...]]):
    """Sizes of messages in bytes, joined by commas."""

    name = "sizes"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        try:
            sizes = tuple(int(one) for one in str(value).split(","))
        except ValueError:
            sizes = ()
        if not sizes or not all(0 < size <= DEFAULT_LIMITS.message // 2 for size in sizes):
            self.fail(
                f"'{value}' is not a list of sizes from 1 to {DEFAULT_LIMITS.message // 2:,} bytes, such as {SIZES}.", param, ctx
            )
        return sizes


@click.command(cls=StackCommand, epilog=EXAMPLES)
@click.option("--sizes", type=SizesType(), default=SIZES, metavar="BYTES,...", help=f"Sizes of messages (default {SIZES}).")
@click.option("--rounds", type=click.IntRange(1), default=5, metavar="N", help="How often each stack is measured (default 5).")
@click.option(
    "--seconds",
    metavar="SECONDS",
    type=SecondsType(0.001),
    default=0.1,
    help="How long each measurement takes (default 0.1).",
)
@click.option("--tcp", is_flag=True, help="Measure through sockets of this machine (default: in memory).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@layer_options
def bench(choice: Choice, sizes: tuple[int, ...], rounds: int, seconds: float, tcp: bool, as_json: bool) -> None:
    """Measure what a stack costs, beside the built-in ones."""
    refuse_impossible(choice.classes)
    costs = stacks_of(choice)
    with TemporaryFolder("plytalk-bench-") as folder:
        asyncio.run(measure(costs, folder, sizes=sizes, rounds=rounds, seconds=seconds, tcp=tcp))
    if as_json:
        how = {"rounds": rounds, "seconds": seconds, "through": "tcp" if tcp else "memory"}
        print(json.dumps({**how, "stacks": [cost.as_json() for cost in costs]}, indent=2))
    else:
        print(as_text(costs, sizes, "through sockets of this machine" if tcp else "in memory"))


def stacks_of(choice: Choice) -> list[StackCost]:
    """Return the chosen stack first, and then every other profile."""
    transport = {"transport": [choice.registry.layer("transport", "tcp")]}
    chosen = choice.named
    costs = []
    if chosen is None:
        costs.append(StackCost("yours", scenario_of("yours", {**choice.classes, **transport}, choice.options), marked=True))
    for profile in choice.registry.profiles():
        classes = choose_named(profile.layers, choice.registry.layer)
        own = profile is chosen
        options = choice.options if own else dict(profile.options)
        costs.append(StackCost(profile.name, scenario_of(profile.name, {**classes, **transport}, options), marked=own))
    return sorted(costs, key=lambda cost: not cost.marked)


def as_text(costs: list[StackCost], sizes: tuple[int, ...], where: str) -> str:
    """A table, of at most 80 columns for three sizes."""
    said = [f"{size:,} B" for size in sizes]
    rows = [
        ("", "handshakes", "bytes of", *said, *said),
        ("STACK", "per second", "handshake", *["msg/s"] * len(sizes), *["adds"] * len(sizes)),
        *map(_row, costs),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        " ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    mine = next(cost for cost in costs if cost.marked)
    rounds = len(mine.handshakes)
    head = f"Both ends in one process, {where}; medians of {rounds} round{'s' * (rounds > 1)}."
    stack = f"* {' | '.join(mine.layers[kind] for kind in ('framer', 'handshake', 'cipher', 'messages'))}"
    return "\n".join([head, "", *(paint(line, "1", 1) for line in lines[:2]), *lines[2:], "", stack])


def _row(cost: StackCost) -> tuple[str, ...]:
    rates = [f"{median(each):,.0f}" for each in cost.messages.values()]
    name = f"{'*' if cost.marked else ' '} {cost.name}"
    added = [f"{each:,}" for each in cost.added.values()]
    return (name, f"{median(cost.handshakes):,.0f}", f"{cost.handshake_bytes:,}", *rates, *added)
