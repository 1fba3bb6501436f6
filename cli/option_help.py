"""The options of layers in a help text: those that several layers share are shown once."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from plytalk.core.contracts.layer import Layer

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
