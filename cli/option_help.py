"""The options of layers in a help text, where shared ones are shown once, and the error for one whose layer is not chosen."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby

from plytalk.api.choice import COMMANDS
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.peers import Role

HelpRecord = tuple[str, str]
"""An option with its argument, and what it does."""


def option_sections(records: Iterable[tuple[type[Layer], HelpRecord]]) -> Iterator[tuple[str, Sequence[HelpRecord]]]:
    """The titles of sections with the records below each; a section is for all layers that have its options."""
    layers: dict[HelpRecord, list[type[Layer]]] = {}
    for layer, record in records:
        layers.setdefault(record, []).append(layer)
    sections: dict[tuple[type[Layer], ...], list[HelpRecord]] = {}
    for record, sharing in layers.items():
        sections.setdefault(tuple(sharing), []).append(record)
    for sharing_all, below in sections.items():
        yield f"Options of the {named(sharing_all)}", below


def named(layers: Sequence[type[Layer]]) -> str:
    """Layers as a text has them: `transport tcp`, or `transports ws and wss`."""
    kinds = ((kind, [layer.name for layer in same]) for kind, same in groupby(layers, lambda layer: layer.kind))
    return " and the ".join(f"{kind}{'s' * (len(names) > 1)} {enumerated(names)}" for kind, names in kinds)


def enumerated(names: Sequence[str]) -> str:
    """Words with commas, and `and` before the last."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def whose_option(name: str, layers: Sequence[type[Layer]], role: Role | None, short: Collection[str] = ()) -> str:
    """Return the error for an option (`--NAME`) of layers that are not chosen, or of the other end; empty if no layer has it.

    `short` names the transports that the command chooses by an option of their name.
    """
    having = [(layer, option) for layer in layers for option in layer.options if name == f"--{option.name}"]
    fitting = [layer for layer, option in having if role is None or option.role in (None, role)]
    others = [(layer, COMMANDS[option.role]) for layer, option in having if option.role and layer not in fitting]
    if not fitting:
        return next((f"{name} is for `chat {command}`." for _, command in others), "")
    first = fitting[0]
    if len(fitting) > 1:
        said = f"{name} belongs to the {named(fitting)}, none of which is chosen. Add one with --{first.kind}."
    else:
        added = first.name if first.name in short else f"{first.kind} {first.name}"
        said = f"{name} belongs to the {first.kind} `{first.name}`, which is not chosen. Add --{added}."
    if others:
        said += f" That of the {named([layer for layer, _ in others])} is for `chat {others[0][1]}`."
    return said
