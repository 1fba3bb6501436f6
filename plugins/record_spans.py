"""What the bytes of a record are: types, lengths, bodies, padding."""

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct

from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.spans import SAID, TEXT, Passed, Reader, Span

HEADER = Struct(">BH")


class Type(IntEnum):
    """What an item is."""

    PADDING = 0
    MESSAGE = 1
    ACK = 2
    PING = 3
    PONG = 4
    CONTROL = 5
    RESERVED = 6
    CLOSE = 7


MORE = 0x80
PURPOSES = {
    Type.PING: "bytes that the answer has to repeat",
    Type.PONG: "the bytes of the ping",
    Type.CONTROL: "an authenticator, for its counterpart",
    Type.RESERVED: "no use yet",
}


def record(message: Passed) -> Iterator[Span]:
    """The spans of a record. It may be cut off or malformed, as an attacker sends it."""
    reader, number = Reader(message.data), 0
    continued = unfinished_type(message.before[-1]) if message.before else 0
    while reader.left >= HEADER.size and message.data[reader.at]:
        number += 1
        kind, length = HEADER.unpack_from(message.data, reader.at)
        whole = not continued and not kind & MORE
        continued = kind & MORE
        title = f"{number} {name_of(kind)}: "
        yield reader.take(f"{title}type", 1, f"{kind}", "what the item is" + ("; more follows" if continued else ""))
        yield reader.take(f"{title}length", 2, f"{length}", "how many bytes the body has")
        start, data = reader.at, message.data[reader.at : reader.at + length]
        yield from (span.moved(start, title) for span in body(kind & ~MORE, data, whole, message))
        reader.take("", length)
    if set(message.data[reader.at :]) <= {0}:
        yield reader.rest("padding", f"{reader.left} zeros", "the next of the sizes that a record may have")
    else:
        yield reader.rest("not an item")


def name_of(kind: int) -> str:
    names = {int(one): one.name.lower() for one in Type} | {8: "room", 9: "event", 10: "file"}
    return names.get(kind & ~MORE, f"type {kind & ~MORE}")


def unfinished_type(before: bytes) -> int:
    """Whether the last item of the record before is continued: its `more`, or 0."""
    at = last = 0
    while len(before) - at >= HEADER.size and before[at]:
        last, length = HEADER.unpack_from(before, at)
        at += HEADER.size + length
    return last & MORE


def body(kind: int, data: bytes, whole: bool, message: Passed) -> Iterator[Span]:
    """The spans of an item's body; of one that is split, each part by itself."""
    reader = Reader(data)
    if kind == Type.MESSAGE:
        yield reader.text(TEXT, len(data), SAID)
    elif kind == Type.ACK:
        yield reader.number("messages taken", ">Q", "how many messages were received, from the first on")[0]
        yield reader.rest("too much")
    elif kind == Type.CLOSE:
        reason, number = reader.number("reason", ">B")
        known = {int(one): one.name.lower().replace("_", " ") for one in CloseReason}
        yield reason._replace(value=f"{number} {known.get(number, 'unknown')}", made_of="why the conversation ends")
        yield reader.number("records before", ">Q", "how many records this side has sent")[0]
        yield reader.text("sentence", reader.left, "for the other side's user")
    elif whole and (spans := message.inside(bytes([kind]), data)):
        yield from spans
    elif kind in PURPOSES:
        yield reader.rest("body", data.hex() if len(data) <= 64 else "", PURPOSES[Type(kind)])
    else:
        yield reader.text("body" if whole else "part of the body", len(data), "a feature")
