"""The bytes of a transport's own protocol, as they pass below it: for a trace, and only where one asks."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from plytalk.core.contracts.spans import Span

IN, OUT = "in", "out"


class WireUnit(NamedTuple):
    """A whole unit of a transport's protocol, such as a TLS record: its name, its bytes, and what each of them is."""

    name: str
    data: bytes
    spans: Sequence[Span]


CutWire = Callable[[bytes], Iterator[WireUnit]]
"""Takes the bytes of one direction as they pass, however they were cut, and gives the units that are complete."""


@runtime_checkable
class TellsWire(Protocol):
    """A stream with a protocol beneath it, which it can tell; or a listener that has one with a relay or the like."""

    def tell_wire(self, tell: Callable[[str, WireUnit], None]) -> None:
        """Tell each unit, and whether it came in or went out: those since the beginning now, and all later ones as they pass.

        Called at most once, before the stream's first `deliver_to`; a listener's as soon as it listens.
        """
