"""Describes the bytes of the rooms' two types of items, for a trace."""

from collections.abc import Iterator
from datetime import UTC, datetime

from plytalk.core.contracts.public_key import fingerprint_of
from plytalk.core.contracts.spans import SAID, TEXT, Passed, Reader, Span, shown
from plytalk.plugins.files.file_spans import file_item
from plytalk.plugins.files.file_words import FILE
from plytalk.plugins.rooms.room_events import DIGEST, EVENT, ROOM, Kind, Mark, read


def item(message: Passed) -> Iterator[Span]:
    """Return the spans of an item's body; none if the type belongs to another feature."""
    match list(message.kind):
        case [kind] if kind == ROOM:
            yield request(message.data)
        case [kind] if kind == EVENT:
            yield from event(message.data)
        case [kind] if kind == FILE:
            yield from file_item(message.data)


def request(body: bytes) -> Span:
    does = (read(body) or {}).get("do")
    return Span(f"JSON object `{does}`" if isinstance(does, str) else "JSON object", 0, len(body), shown(body), "the rooms")


def event(body: bytes) -> Iterator[Span]:
    """Return the spans of an event. If it is cut off, so is the last span."""
    reader = Reader(body)
    yield reader.number("id", ">Q", "how many events there were in the room")[0]
    time, milliseconds = reader.number("time", ">Q", "the server's clock, in milliseconds since 1970")
    yield time._replace(value=clock(milliseconds))
    kind, number = reader.number("kind", ">B", "what happened")
    name = {int(one): one.name.lower() for one in Kind}.get(number, "unknown")
    yield kind._replace(value=f"{number} {name}")
    marks, bits = reader.number("marks", ">B", "what others should know about the sender")
    yield marks._replace(value=", ".join(mark(one) for one in Mark if bits & one) or "none")
    length, size = reader.number("key's length", ">B")
    yield length
    key = body[reader.at : reader.at + size]
    yield reader.take("key", size, fingerprint_of(key) if len(key) == DIGEST else "", "SHA-256 of the sender's public key")
    length, size = reader.number("name's length", ">B")
    yield length
    yield reader.text("name", size, "set by the server")
    yield reader.text(*(("details", reader.left, DETAILS[number]) if number in DETAILS else (TEXT, reader.left, SAID)))


DETAILS: dict[int, str] = {
    Kind.LEFT: "why; empty for a goodbye",
    Kind.RENAMED: "the new name",
    Kind.TOPIC: "the new topic",
    Kind.TOLD: "a JSON object",
    Kind.OTHER: "a JSON object",
    Kind.MODERATED: "a JSON object",
}


def mark(one: Mark) -> str:
    return (one.name or "").lower().replace("_", " ")


def clock(milliseconds: int) -> str:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(sep=" ", timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{milliseconds}"
