"""The bytes of a transport's own protocol, for a trace that asks for them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from plytalk.core.contracts.spans import Span

IN, OUT = "in", "out"


class WireUnit(Struct, frozen=True):
    """A complete unit of a transport's protocol, such as a TLS record: its name, its bytes, and their description."""

    name: str
    data: bytes
    spans: Sequence[Span]


CutWire = Callable[[bytes], Iterator[WireUnit]]
"""Takes the bytes of one direction, in pieces of any size, and returns the units that are complete."""


@runtime_checkable
class TellsWire(Protocol):
    """A stream that can tell the units of a protocol below it, or a listener that can tell those of its protocol with a relay
    or the like.
    """

    def tell_wire(self, tell: Callable[[str, WireUnit], None]) -> None:
        """Call `tell` with each unit and its direction: now with those since the beginning, and then with each one as it passes.

        Called at most once, before the stream's first `deliver_to`; a listener's as soon as it listens.
        """
