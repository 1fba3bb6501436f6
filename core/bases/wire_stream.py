"""Keeps what passes below a stream with its own protocol until a trace asks for it, because a trace begins after the stream's
opening.
"""

from collections.abc import Callable, Iterator

from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.spans import Span
from plytalk.core.contracts.transport import Stream
from plytalk.core.contracts.wire import IN, OUT, CutWire, WireUnit


class WireStream(Stream):
    """A stream over the stream `below`."""

    def __init__(self, below: Stream) -> None:
        self.below = below
        self.is_below = False
        """Whether another such stream is above this one, and tells it when nothing needs to be kept any more."""
        self._passed: list[tuple[str, bytes]] | None = []
        self._tell_passed: Callable[[str, bytes], None] | None = None
        self._first_heard: Callable[[], None] | None = None

    def when_heard(self, tell: Callable[[], None]) -> None:
        """Call `tell` when the first bytes come, for whichever of several such streams."""
        if isinstance(self.below, WireStream):
            self.below.when_heard(tell)
        else:
            self._first_heard = tell

    def cut(self, way: str) -> CutWire:
        """Return a function that cuts the bytes passing below, in one direction, into units for a trace and describes them."""
        return undescribed

    def write(self, data: bytes) -> None:
        """Send bytes of this stream's protocol below."""
        if data:
            self._note(OUT, data)
            self.below.send(data)

    def hear(self, data: Buffer) -> bytes:
        """Take bytes from the stream below."""
        came = bytes(data)
        if first := self._first_heard:
            self._first_heard = None
            first()
        self._note(IN, came)
        return came

    def _note(self, way: str, data: bytes) -> None:
        if self._tell_passed:
            self._tell_passed(way, data)
        elif self._passed is not None:
            self._passed.append((way, data))

    def tell_wire(self, tell: Callable[[str, WireUnit], None]) -> None:
        if isinstance(self.below, WireStream):
            self.below.tell_wire(tell)
        passed, self._passed = self._passed or [], None
        self._tell_passed = teller({way: self.cut(way) for way in (IN, OUT)}, tell)
        for way, data in passed:
            self._tell_passed(way, data)

    def forget_wire(self) -> None:
        """Keep nothing more for a trace, unless one has asked: the conversation begins."""
        if isinstance(self.below, WireStream):
            self.below.forget_wire()
        self._passed = None


def teller(cuts: dict[str, CutWire], tell: Callable[[str, WireUnit], None]) -> Callable[[str, bytes], None]:
    """Return a function that takes the bytes of both directions, cuts them into units and tells those."""

    def tell_units(way: str, data: bytes) -> None:
        try:
            for unit in cuts[way](data):
                tell(way, unit)
        except Exception:  # a description must not end a conversation
            cuts[way] = undescribed
            tell(way, next(undescribed(data)))

    return tell_units


def undescribed(data: bytes) -> Iterator[WireUnit]:
    """Return a unit without a description."""
    yield WireUnit("bytes", data, [Span("", 0, len(data))])
