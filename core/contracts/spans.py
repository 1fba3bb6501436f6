"""What the bytes of a message are: spans, each with a name, a place, a value and what the value was computed from.

Any layer can describe the bytes that it makes, by the optional Protocol `DescribesBytes`. Only a trace asks for it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from struct import Struct
from typing import NamedTuple, Protocol, runtime_checkable

import msgspec

from plytalk.core.contracts.layer import FrameKind


class Span(NamedTuple):
    """Some bytes of a message: `size` of them from `start` on, in bytes.

    `value` is what they say, as text, empty where their name says all; `made_of` says what they were computed from.
    """

    name: str
    start: int
    size: int
    value: str = ""
    made_of: str = ""

    @property
    def end(self) -> int:
        """The place behind its last byte."""
        return self.start + self.size

    def moved(self, by: int, prefix: str = "") -> "Span":
        """The same bytes in a message that has `by` bytes before them."""
        return self._replace(start=self.start + by, name=prefix + self.name)


PAYLOAD = "what the handshake or the cipher made"
"""What every framer's payload was made of."""
TEXT, SAID = "text", "what was said, in UTF-8"
"""The name of a span that holds what somebody said, also at the end of a longer name, and what it was made of."""
BINDING = "the handshake hash and the name of the authenticator"
Inside = Callable[[FrameKind, bytes], Sequence[Span]]


def nothing_inside(kind: FrameKind, data: bytes) -> Sequence[Span]:
    """Where no other layer can say what is in an item."""
    return ()


class Passed(msgspec.Struct, frozen=True):
    """A message as it passes a layer's boundary: its bytes, and what a layer may need to know to describe them."""

    data: bytes
    """A framer's: the whole frame. A handshake's or an authenticator's: the payload. A cipher's: what is sealed. Messages': the
    plaintext. A feature's: the body of an item."""
    kind: FrameKind = b""
    """The type of the frame or, for features and authenticators after the handshake, of the item."""
    number: int = 0
    """How many passed here before: of a handshake or an authenticator from both sides, else from the same side."""
    before: Sequence[bytes] = ()
    """Those that passed here before: of a handshake all, from both sides; else the last from the same side."""
    inside: Inside = nothing_inside
    """Messages give it the type and the body of an item that belongs to another layer, and get that layer's spans, if any."""


FILES = "a file: traced with --trace-secrets alone"
"""What a span is made of whose bytes and value stand in no trace without secrets."""


def without_files(data: bytes, spans: Sequence[Span]) -> tuple[bytes, list[Span]]:
    """The same with zeros in place of what is a file's name or content."""
    shown = bytearray(data)
    for span in spans:
        if span.made_of == FILES:
            shown[span.start : span.end] = bytes(span.size)
    return bytes(shown), [span._replace(value="") if span.made_of == FILES else span for span in spans]


@runtime_checkable
class DescribesBytes(Protocol):
    """A layer that says what each byte of its messages is. Not for transports and UIs, which have none."""

    def fields(self, message: Passed) -> Iterable[Span]:
        """Spans that follow each other and cover all of it; none for a message that is another layer's. Changes nothing."""


def describe(layer: object, message: Passed) -> Sequence[Span]:
    """A layer's spans of a message. Bytes that it says nothing about are in spans without a name; an error says nothing, too."""
    spans: list[Span] = []
    if isinstance(layer, DescribesBytes):
        try:
            spans = [span for span in layer.fields(message) if span.size]
        except Exception:  # a description must not end a conversation
            spans = []
    return list(with_gaps(spans, len(message.data)))


def with_gaps(spans: Iterable[Span], size: int) -> Iterator[Span]:
    """These spans in order, with one without a name for each gap. One that overlaps another or the end is left out."""
    at = 0
    for span in sorted(spans, key=lambda span: span.start):
        if span.start < at or span.end > size:
            continue
        if span.start > at:
            yield Span("", at, span.start - at)
        yield span
        at = span.end
    if at < size:
        yield Span("", at, size - at)


class Reader:
    """Takes spans one after another off the front of a message."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    @property
    def left(self) -> int:
        """How many bytes have not been read."""
        return len(self.data) - self.at

    def take(self, name: str, size: int, value: str = "", made_of: str = "") -> Span:
        """The next `size` bytes, or as many as are left."""
        span = Span(name, self.at, max(0, min(size, self.left)), value, made_of)
        self.at = span.end
        return span

    def rest(self, name: str, value: str = "", made_of: str = "") -> Span:
        """All bytes that are left."""
        return self.take(name, self.left, value, made_of)

    def number(self, name: str, form: str, made_of: str = "") -> tuple[Span, int]:
        """The next number of a `struct` format, and its value; what is left of it, and 0, where the message ends before."""
        struct = Struct(form)
        if self.left < struct.size:
            return self.rest(f"{name}, cut off"), 0
        (value,) = struct.unpack_from(self.data, self.at)
        return self.take(name, struct.size, f"{value}", made_of), value

    def text(self, name: str, size: int, made_of: str = "") -> Span:
        """The next `size` bytes as UTF-8."""
        return self.take(name, size, shown(self.data[self.at : self.at + size]), made_of)


def shown(data: bytes) -> str:
    """Bytes as text; those that are not UTF-8 as \\xNN."""
    return data.decode(errors="backslashreplace")
