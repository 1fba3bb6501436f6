"""Records of plytalk/1: items, then zeros up to a bucket, so that a record's length says little about what is in it.

    +-----------+-------------------+------+-----+-----------+-------------------+------+-------+
    | type (u8) | length (u16, BE)  | body | ... | type (u8) | length (u16, BE)  | body | zeros |
    +-----------+-------------------+------+-----+-----------+-------------------+------+-------+

A record has 64, 256, 1024, 4096, 16384 or 65519 bytes; with the cipher's tag the last is the longest Noise message. All that is
said within one turn shares records. The type's highest bit says that more of the same message follows; a message has 1 MiB in
all. `close` carries a reason (u8) and the number of records sent before it (u64, BE), so that a cut cannot pass for a goodbye.
"""

from bisect import bisect_left
from collections.abc import Sequence
from enum import IntEnum
from struct import Struct
from typing import Any

from plytalk.core.errors import BadFrame, FrameTooLong, LocalError
from plytalk.core.hookspecs import hookimpl
from plytalk.core.layers import Messages
from plytalk.core.limits import Limits
from plytalk.core.messages import EXIT, Close, Control, Item, Ping, Pong, Undecodable
from plytalk.core.properties import Property


class Type(IntEnum):
    """What an item is."""

    PADDING = 0
    MESSAGE = 1
    ACK = 2
    PING = 3
    PONG = 4
    CONTROL = 5
    FILE = 6
    CLOSE = 7


MESSAGE = int(Type.MESSAGE)
MORE = 0x80
HEADER = Struct(">BH")
HEAD = HEADER.size
SHORT = [HEADER.pack(MESSAGE, length) for length in range(256)]  # most messages are, and a look here takes half the time
CLOSE_BODY = Struct(">BQ")
BUCKETS = (64, 256, 1024, 4096, 16384, 65519)
CAPACITY = BUCKETS[-1]
MAX_BODY = CAPACITY - HEAD
MAX_MESSAGE = Limits.message
SAID_EXIT = 0


class Records(Messages):
    """Typed items in padded records, with a goodbye that cannot be forged."""

    name = "records"
    needs = {Property.INTEGRITY, Property.ORDER, Property.BORDERS}
    gives = {Property.CLEAN_END, Property.LENGTH_HIDING}

    def __init__(self, borders: bool, **options: Any) -> None:
        super().__init__(borders)
        self._sent = self._received = 0
        self._parts: list[bytes] = []
        self._size = 0

    # -- out --------------------------------------------------------------------------------------------------------------

    def pack(self, items: Sequence[Item]) -> list[bytes]:
        records: list[bytes] = []
        parts: list[bytes] = []
        room = CAPACITY
        add, header = parts.append, HEADER.pack
        for item in items:
            if item.__class__ is str:
                kind = MESSAGE
                try:
                    body = item.encode()
                except UnicodeEncodeError:  # half a character, as it can come from a terminal
                    body = item.encode(errors="replace")
            else:
                kind, body = self._encode(item, self._sent + len(records) + (room < HEAD + CLOSE_BODY.size))
            length = len(body)
            room -= HEAD + length
            if room < 0:
                if parts:
                    records.append(pad(parts))
                    parts.clear()
                while length > MAX_BODY:
                    records.append(header(kind | MORE, MAX_BODY) + body[:MAX_BODY])
                    body = body[MAX_BODY:]
                    length = len(body)
                room = CAPACITY - HEAD - length
            add(SHORT[length] if kind == MESSAGE and length < len(SHORT) else header(kind, length))
            add(body)
        if parts:
            records.append(pad(parts))
        self._sent += len(records)
        return records

    @staticmethod
    def _encode(item: Item, records_before: int) -> tuple[int, bytes]:
        match item:
            case Close():
                return Type.CLOSE, CLOSE_BODY.pack(SAID_EXIT, records_before)
            case Control(body) if len(body) <= MAX_BODY:  # what is not a message is not split
                return Type.CONTROL, body
            case Ping(body) if len(body) <= MAX_BODY:
                return Type.PING, body
            case Pong(body) if len(body) <= MAX_BODY:
                return Type.PONG, body
        raise LocalError(f"The messages `records` cannot carry this {type(item).__name__}.")

    # -- in ---------------------------------------------------------------------------------------------------------------

    def unpack(self, plaintext: bytes) -> list[Item]:
        size = len(plaintext)
        if size not in BUCKETS:
            raise BadFrame(f"A record of {size:,} bytes came; records are padded to one of {BUCKETS}.")
        items: list[Item] = []
        add, header, at, last = items.append, HEADER.unpack_from, 0, size - HEAD
        while at <= last and plaintext[at]:
            kind, length = header(plaintext, at)
            start = at + HEAD
            at = start + length
            if kind == MESSAGE and not self._parts:
                try:
                    add(plaintext[start:at].decode())
                except UnicodeDecodeError:
                    add(Undecodable(plaintext[start:at].decode(errors="replace")))
            else:
                items += self._decode(kind, plaintext[start:at])
        if at > size:
            raise BadFrame("A record ends in the middle of an item.")
        if plaintext.count(0, at) != size - at:
            raise BadFrame("A record's padding is not zero.")
        self._received += 1
        return items

    def _decode(self, kind: int, body: bytes) -> list[Item]:
        if self._parts or kind == MESSAGE | MORE:
            return self._join(kind, body)
        match kind:
            case Type.PING:
                return [Ping(body)]
            case Type.PONG:
                return [Pong(body)]
            case Type.CONTROL:
                return [Control(body)]
            case Type.CLOSE:
                return [self._close(body)]
        return []  # what nothing here asks for, or a type of a later version: its length says where the next item begins

    def _join(self, kind: int, body: bytes) -> list[Item]:
        if kind & ~MORE != MESSAGE:
            raise BadFrame("Another item came in the middle of a message.")
        self._size += len(body)
        if self._size > MAX_MESSAGE:
            raise FrameTooLong(f"The other side sent a message of more than {MAX_MESSAGE:,} bytes.")
        self._parts.append(body)
        if kind & MORE:
            return []
        whole = b"".join(self._parts)
        self._parts, self._size = [], 0
        try:
            return [whole.decode()]
        except UnicodeDecodeError:
            return [Undecodable(whole.decode(errors="replace"))]

    def _close(self, body: bytes) -> Close:
        if len(body) != CLOSE_BODY.size:
            raise BadFrame("A goodbye came that is not written as it should be.")
        reason, records_before = CLOSE_BODY.unpack(body)
        if records_before != self._received:
            raise BadFrame("The goodbye counts other records than those that came.")
        return Close(EXIT, str(reason))

    def fields(self, plaintext: bytes) -> dict[str, str]:
        found: dict[str, str] = {}
        at = 0
        while len(plaintext) - at >= HEADER.size and plaintext[at]:
            kind, length = HEADER.unpack_from(plaintext, at)
            at += HEADER.size + length
            names = {int(one): one.name.lower() for one in Type}
            name = names.get(kind & ~MORE, f"type {kind & ~MORE}") + (", more follows" if kind & MORE else "")
            found[f"{len(found) + 1} {name}"] = plaintext[at - length : at].decode(errors="backslashreplace")
        return {**found, "padding": f"{max(0, len(plaintext) - at)} bytes"}


def pad(parts: Sequence[bytes]) -> bytes:
    """The parts joined, with zeros up to the next bucket. There is one: `pack` keeps to the longest."""
    items = b"".join(parts)
    return items.ljust(BUCKETS[bisect_left(BUCKETS, len(items))], b"\0")


@hookimpl
def layers() -> list[type[Records]]:
    return [Records]
