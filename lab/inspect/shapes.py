"""What the messages of a layer have in common: a shape, learned from the spans that the layer gave to those in a trace."""

from collections.abc import Sequence
from typing import NamedTuple

from plytalk.core.contracts.spans import Span
from plytalk.core.pipeline.tracing import TraceEvent

NUMBER, LITTLE, TEXT, TOLD = "number", "little", "text", ""
"""How the value of a part is read: as a number with the highest or the lowest byte first, as UTF-8, or not off its bytes."""
MOST_DIGITS = 8
"""Bytes of the longest number."""


class Part(NamedTuple):
    """A part of a shape; `size` is 0 where it takes all that the others leave, `told` its value where no form reads it."""

    name: str
    size: int
    form: str
    told: str = ""


class FrameLength(NamedTuple):
    """Where a frame has its length: `size` bytes from `at` on, to which `more` is to be added for the whole frame."""

    at: int
    size: int
    little: bool
    more: int


def spans_of(event: TraceEvent) -> Sequence[Span]:
    """What a layer said of its bytes; they are one part where it said nothing."""
    return event.spans or ([Span("bytes", 0, len(event.data))] if event.data else [])


def one_shape(event: TraceEvent) -> list[Part]:
    """The shape of this message alone."""
    return [
        Part(span.name, span.size, form, span.value if form == TOLD else "")
        for span in spans_of(event)
        for form in [_form([(event.data[span.start : span.end], span.value)])]
    ]


def common_shape(events: Sequence[TraceEvent]) -> list[Part] | None:
    """The shape of all these messages; None where they differ in more than the size of one part.

    Where all are of one size, the largest part counts as the one that could differ.
    """
    spans = [spans_of(event) for event in events]
    if len({tuple(span.name for span in one) for one in spans}) != 1 or not spans[0]:
        return None
    parts = [_part(events, column) for column in zip(*spans, strict=True)]
    if sum(not part.size for part in parts) > 1 or any(part.told for part in parts):
        return None
    if all(part.size for part in parts):
        largest = max(range(len(parts)), key=lambda at: parts[at].size)
        parts[largest] = parts[largest]._replace(size=0)
    return parts


def _part(events: Sequence[TraceEvent], column: Sequence[Span]) -> Part:
    sizes = {span.size for span in column}
    form = _form([(event.data[span.start : span.end], span.value) for event, span in zip(events, column, strict=True)])
    told = next((span.value for span in column if span.value), "") if form == TOLD else ""
    return Part(column[0].name, 0 if len(sizes) > 1 else sizes.pop(), form, told)


def _form(both: Sequence[tuple[bytes, str]]) -> str:
    """How these values are read off these bytes."""
    if all(not value for _, value in both):
        return TOLD
    for order, form in (("big", NUMBER), ("little", LITTLE)):
        if all(len(raw) <= MOST_DIGITS and value == str(int.from_bytes(raw, order)) for raw, value in both):  # type: ignore[arg-type]
            return form
    return TEXT if all(raw == value.encode(errors="replace") for raw, value in both) else TOLD


def length_in(shape: Sequence[Part], events: Sequence[TraceEvent]) -> FrameLength | None:
    """Which part of all these frames is their length; None where none is."""
    at = 0
    for part in shape:
        if not part.size:
            return None
        if part.form in (NUMBER, LITTLE):
            order = "little" if part.form == LITTLE else "big"
            values = [int.from_bytes(event.data[at : at + part.size], order) for event in events]  # type: ignore[arg-type]
            more = {len(event.data) - value for event, value in zip(events, values, strict=True)}
            if len(more) == 1:
                return FrameLength(at, part.size, part.form == LITTLE, more.pop())
        at += part.size
    return None
