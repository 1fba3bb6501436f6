"""For a trace: the opening of a stream that passes raw bytes on afterwards, as behind an HTTP proxy or a PROXY line."""

from collections.abc import Callable, Iterator

from plytalk.core.contracts.spans import Span, shown
from plytalk.core.contracts.wire import CutWire, WireUnit

END_OF_LINE = b"\r\n"


def cut_opening(end: bytes, describe: Callable[[bytes], WireUnit]) -> CutWire:
    """What cuts one direction: all up to `end`. What follows is not of this protocol."""
    rest, over = bytearray(), False

    def cut(data: bytes) -> Iterator[WireUnit]:
        nonlocal over
        if over:
            return
        rest.extend(data)
        opening, found, _ = bytes(rest).partition(end)
        if found:
            over = True
            rest.clear()
            yield describe(opening + found)

    return cut


def cut_nothing(data: bytes) -> Iterator[WireUnit]:
    """What cuts a direction in which this protocol says nothing."""
    return iter(())


def line(data: bytes) -> WireUnit:
    """A PROXY line."""
    size = len(data) - len(END_OF_LINE)
    return WireUnit("PROXY line", data, [Span("whose this is", 0, size, shown(data[:size])), Span("end of the line", size, 2)])
