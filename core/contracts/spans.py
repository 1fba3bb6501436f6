"""Spans describe the bytes of a message: each has a name, a position, a value and what the value was computed from.

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
        """The offset after its last byte."""
        return self.start + self.size

    def moved(self, by: int, prefix: str = "") -> "Span":
        """The same bytes in a message that has `by` bytes before them."""
        return self._replace(start=self.start + by, name=prefix + self.name)


PAYLOAD = "what the handshake or the cipher made"
"""What the payload of every framer was computed from."""
TEXT, SAID = "text", "what was said, in UTF-8"
"""The name of a span with a user's text (also as the end of a longer name), and what such a span was computed from."""
BINDING = "the handshake hash and the name of the authenticator"
Inside = Callable[[FrameKind, bytes], Sequence[Span]]


def nothing_inside(kind: FrameKind, data: bytes) -> Sequence[Span]:
    """Describe nothing: for an item that belongs to no other layer."""
    return ()


class Passed(msgspec.Struct, frozen=True):
    """A message at the boundary of a layer: its bytes, and what the layer may need to describe them."""

    data: bytes
    """For a framer the whole frame; for a handshake or an authenticator the payload; for a cipher the ciphertext; for messages
    the plaintext; for a feature the body of an item.
    """
    kind: FrameKind = b""
    """The type of the frame or, for features and authenticators after the handshake, of the item."""
    number: int = 0
    """How many passed here before: for a handshake or an authenticator from both sides, otherwise from the same side."""
    before: Sequence[bytes] = ()
    """The messages that passed here before: for a handshake all, from both sides; otherwise the last from the same side."""
    inside: Inside = nothing_inside
    """Messages call it with the type and the body of an item that belongs to another layer, and get that layer's spans, if
    any.
    """


FILES = "a file: traced with --trace-secrets alone"
"""Marks a span with bytes and a value that only a trace with secrets may contain."""


def without_files(data: bytes, spans: Sequence[Span]) -> tuple[bytes, list[Span]]:
    """Return the same message with zeros in place of the names and contents of files."""
    shown = bytearray(data)
    for span in spans:
        if span.made_of == FILES:
            shown[span.start : span.end] = bytes(span.size)
    return bytes(shown), [span._replace(value="") if span.made_of == FILES else span for span in spans]


@runtime_checkable
class DescribesBytes(Protocol):
    """A layer that describes each byte of its messages. Not for transports and UIs, which have no messages."""

    def fields(self, message: Passed) -> Iterable[Span]:
        """Return spans that follow each other and cover the message; none for another layer's. Must not change anything."""


def describe(layer: object, message: Passed) -> Sequence[Span]:
    """Return a layer's spans of a message. Bytes without a description are in spans without a name."""
    spans: list[Span] = []
    if isinstance(layer, DescribesBytes):
        try:
            spans = [span for span in layer.fields(message) if span.size]
        except Exception:  # a description must not end a conversation
            spans = []
    return list(with_gaps(spans, len(message.data)))


def with_gaps(spans: Iterable[Span], size: int) -> Iterator[Span]:
    """Return these spans in order, with one without a name for each gap. One that overlaps another or the end is left out."""
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
        """Take the next `size` bytes, or as many as are left."""
        span = Span(name, self.at, max(0, min(size, self.left)), value, made_of)
        self.at = span.end
        return span

    def rest(self, name: str, value: str = "", made_of: str = "") -> Span:
        """Take all bytes that are left."""
        return self.take(name, self.left, value, made_of)

    def number(self, name: str, form: str, made_of: str = "") -> tuple[Span, int]:
        """Take the next number, in a `struct` format; also return its value. If the message is too short, take the rest; the
        value is 0.
        """
        struct = Struct(form)
        if self.left < struct.size:
            return self.rest(f"{name}, cut off"), 0
        (value,) = struct.unpack_from(self.data, self.at)
        return self.take(name, struct.size, f"{value}", made_of), value

    def text(self, name: str, size: int, made_of: str = "") -> Span:
        """Take the next `size` bytes, as UTF-8 text."""
        return self.take(name, size, shown(self.data[self.at : self.at + size]), made_of)


def shown(data: bytes) -> str:
    """Bytes as text; those that are not UTF-8 as \\xNN."""
    return data.decode(errors="backslashreplace")
