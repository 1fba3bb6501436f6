"""Records of plytalk/1: items, then zeros up to a bucket, so that a record's length says little about what is in it.

    +-----------+-------------------+------+-----+-----------+-------------------+------+-------+
    | type (u8) | length (u16, BE)  | body | ... | type (u8) | length (u16, BE)  | body | zeros |
    +-----------+-------------------+------+-----+-----------+-------------------+------+-------+

A record has 64, 256, 1024, 4096, 16384 or 65519 bytes; with the cipher's tag the last is the longest Noise message. All that is
said within one turn shares records. The type's highest bit says that more of the same message follows; a message has 1 MiB in
all. `close` carries a reason (u8) and the number of records sent before it (u64, BE), so that a cut cannot pass for a goodbye.
"""

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
CLOSE_BODY = Struct(">BQ")
BUCKETS = (64, 256, 1024, 4096, 16384, 65519)
CAPACITY = BUCKETS[-1]
MAX_BODY = CAPACITY - HEADER.size
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
        header, head = HEADER.pack, HEADER.size
        records: list[bytes] = []
        parts: list[bytes] = []
        size = 0
        for item in items:
            if item.__class__ is str:
                kind, body = MESSAGE, item.encode(errors="replace")
            else:
                kind, body = self._encode(item, self._sent + len(records) + (size + head + CLOSE_BODY.size > CAPACITY))
            length = len(body)
            if size + head + length > CAPACITY:
                if parts:
                    records.append(pad(parts, size))
                    parts, size = [], 0
                while length > MAX_BODY:
                    records.append(pad([header(kind | MORE, MAX_BODY), body[:MAX_BODY]], CAPACITY))
                    body = body[MAX_BODY:]
                    length = len(body)
            parts += (header(kind, length), body)
            size += head + length
        if parts:
            records.append(pad(parts, size))
        self._sent += len(records)
        return records

    @staticmethod
    def _encode(item: Item, records_before: int) -> tuple[int, bytes]:
        match item:
            case Close():
                return Type.CLOSE, CLOSE_BODY.pack(SAID_EXIT, records_before)
            case Control(body):
                return Type.CONTROL, body
            case Ping(body):
                return Type.PING, body
            case Pong(body):
                return Type.PONG, body
        raise LocalError(f"The messages `records` cannot carry {type(item).__name__}.")

    # -- in ---------------------------------------------------------------------------------------------------------------

    def unpack(self, plaintext: bytes) -> list[Item]:
        size = len(plaintext)
        if size not in BUCKETS:
            raise BadFrame(f"A record of {size:,} bytes came; records are padded to one of {BUCKETS}.")
        items: list[Item] = []
        header, at = HEADER.unpack_from, 0
        while size - at >= HEADER.size and plaintext[at]:
            kind, length = header(plaintext, at)
            at += HEADER.size
            body = plaintext[at : at + length]
            at += length
            if at > size:
                raise BadFrame("A record ends in the middle of an item.")
            if kind == MESSAGE and not self._parts:
                try:
                    items.append(body.decode())
                except UnicodeDecodeError:
                    items.append(Undecodable(body.decode(errors="replace")))
            else:
                items += self._decode(kind, body)
        if plaintext.count(0, at) != size - at:
            raise BadFrame("A record's padding is not zero.")
        self._received += 1
        return items

    def _decode(self, kind: int, body: bytes) -> list[Item]:
        if kind & MORE or self._parts:
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


def pad(parts: list[bytes], size: int) -> bytes:
    """The parts joined, with zeros up to the next bucket."""
    for bucket in BUCKETS:
        if size <= bucket:
            return b"".join(parts).ljust(bucket, b"\0")
    raise LocalError("A record is too long.")


@hookimpl
def layers() -> list[type[Records]]:
    return [Records]
