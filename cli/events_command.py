"""`chat events`: what programs are told and may say with `--ui jsonl`."""

from inspect import cleandoc

import click

from plytalk.cli.main import paint

EXAMPLES = """\b
Examples:
  chat events                      every type of event, and its fields
  chat events --schema             the JSON Schema, for programs
"""


@click.command(epilog=EXAMPLES)
@click.option("--schema", "as_schema", is_flag=True, help="Print the JSON Schema of all events and of what may be sent.")
def events(as_schema: bool) -> None:
    """List the events that `--ui jsonl` prints, or print their JSON Schema."""
    from plytalk.cli.event_schema import ORDERS, as_text
    from plytalk.core.contracts.events import TYPES

    if as_schema:
        print(as_text(), end="")
        return
    for title, types in (("Printed, one JSON object per line:", TYPES), ("Read, one JSON object per line:", ORDERS)):
        print(paint(title, "1", 1))
        for one in types:
            print(f"  {one.__struct_config__.tag:<10}{cleandoc(one.__doc__ or '').splitlines()[0]}")
            print(f"{'':12}{', '.join(name for name in one.__struct_fields__ if name not in ('id', 'time'))}")
