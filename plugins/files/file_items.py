"""What is said about files, in items of one type (docs/protocol.md, section 9).

+-----------+--------------+---------+
| kind (u8) | stream (u32) | payload |
+-----------+--------------+---------+

SAY     either way, stream 0: one JSON object, such as an offer
OPEN    from the side that wants a file: the offer's number (u32), from which byte on (u64), and the first credit (u32)
CREDIT  from that side: how many bytes more (u32)
STOP    from that side: nothing more is wanted
PROOF   from the side that has the file: a block's number (u32), and the hashes of its chunks
DATA    from that side: the next bytes
END     from that side: all is sent; of a stream whose size was not known, its size (u64) and its root (32 bytes)
FAIL    from that side: nothing more comes; why (u8)
"""

from enum import IntEnum
from struct import Struct as Layout
from struct import error as LayoutError
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from plytalk.core.contracts.errors import BadFrame
from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.limits import KIB

HEAD = Layout(">BI")
OPENING = Layout(">IQI")
NUMBER = Layout(">I")
ENDING = Layout(">Q32s")
PIECE = 65_511
"""How many bytes one item carries: with it a record is exactly full."""
WINDOW = 10 * PIECE
"""How many bytes may be in flight to one receiver: with a chunk, two proofs and a handshake, a cut loses less than 1 MiB."""
MAX_CREDIT = 1024 * KIB
"""The most credit that one stream may have."""
GIVE_BACK = 3 * PIECE
"""After how many bytes a receiver gives credit again."""
TOGETHER = 8 * PIECE
"""How many bytes of data are written at once: each write wakes the receiver, which takes as long as the rest."""
STREAMS = 8
"""How many streams a member may have open at one time."""
OFFERS = 16
"""How many open offers one member may have at one time."""
ROOM_OFFERS = 100
"""How many open offers one room may have: each member that comes into it is told of all of them."""
MAX_SAID = 4 * KIB
"""The longest JSON object, in bytes."""


class FileKind(IntEnum):
    """What an item is."""

    SAY = 0
    OPEN = 1
    CREDIT = 2
    STOP = 3
    PROOF = 4
    DATA = 5
    END = 6
    FAIL = 7


class FileFailure(IntEnum):
    """Why nothing more comes of a stream."""

    CANCELLED = 0
    """The sender took the offer back."""
    GONE = 1
    """The sender has left, or its connection was cut."""
    UNREADABLE = 2
    """The sender cannot read the file any more."""
    CHANGED = 3
    """The file has changed since it was offered."""
    TOO_MANY = 4
    """Too many streams are open."""
    UNKNOWN = 5
    """No such offer stands."""
    ONCE = 6
    """It goes out only once, from the beginning, and has begun."""


class Said(Struct, frozen=True, kw_only=True, tag_field="do", rename="kebab", omit_defaults=True):
    """A JSON object. `number` is that of an offer: among those of its sender, or from the server among all."""

    number: Annotated[int, Meta(ge=0, lt=2**32)]


class Offering(Said, frozen=True, kw_only=True, tag="offer"):
    """A file is offered. `id` is the same after a cut; `file` describes it. `to` is a member's name, None for all in the room.

    After a cut `key` is that member's, empty for none: it may have another name by now, or come later. From the server `sender`
    is the member that offers it: its name, its key and what is weak about its connection.
    """

    id: str
    file: dict[str, Any]
    to: str | None = None
    key: str | None = None
    sender: dict[str, Any] | None = None


class Taken(Said, frozen=True, kw_only=True, tag="taken"):
    """The server has told the others of an offer: so many of them can receive it. `to` is the member whom it is for alone."""

    members: int
    to: dict[str, Any] | None = None


class Refusal(Said, frozen=True, kw_only=True, tag="refused"):
    """The server does not take an offer, or no longer, and why."""

    code: str
    text: str


class Withdrawal(Said, frozen=True, kw_only=True, tag="withdraw"):
    """An offer no longer stands. `cut` says that its sender may come back with it."""

    cut: bool = False


class FileReply(Said, frozen=True, kw_only=True, tag="reply"):
    """What a receiver has done about an offer: `accepted`, `declined`, `done`, `cancelled` or `failed`.

    From the server `sender` is the member that replied.
    """

    state: str
    sender: dict[str, Any] | None = None


REPLIES = frozenset({"accepted", "declined", "done", "cancelled", "failed"})
Saying = Offering | Taken | Refusal | Withdrawal | FileReply
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Saying).decode


def say(said: Saying) -> bytes:
    """An item's body that says this."""
    return HEAD.pack(FileKind.SAY, 0) + _encode(said)


def understand(payload: Buffer) -> Saying | None:
    """What a SAY item says; None where this version does not know what it does. Raises BadFrame where it is too long."""
    if len(payload) > MAX_SAID:
        raise BadFrame(f"A statement about a file has {len(payload):,} bytes; at most {MAX_SAID:,} are allowed.")
    try:
        return _decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return None


def open_stream(stream: int, number: int, at: int, credit: int) -> bytes:
    return HEAD.pack(FileKind.OPEN, stream) + OPENING.pack(number, at, credit)


def give_credit(stream: int, size: int) -> bytes:
    return HEAD.pack(FileKind.CREDIT, stream) + NUMBER.pack(size)


def stop_stream(stream: int) -> bytes:
    return HEAD.pack(FileKind.STOP, stream)


def prove(stream: int, block: int, proof: Buffer) -> bytes:
    return b"".join((HEAD.pack(FileKind.PROOF, stream), NUMBER.pack(block), proof))


def carry(stream: int, data: Buffer) -> bytes:
    return b"".join((HEAD.pack(FileKind.DATA, stream), data))


def end_stream(stream: int, ending: Buffer = b"") -> bytes:
    return HEAD.pack(FileKind.END, stream) + ending


def fail_stream(stream: int, why: FileFailure) -> bytes:
    return HEAD.pack(FileKind.FAIL, stream) + bytes((why,))


def parse(body: bytes) -> tuple[int, int, memoryview]:
    """The kind, the stream and the payload of an item, which is not copied. Raises BadFrame."""
    if len(body) < HEAD.size:
        raise BadFrame("An item about a file is too short.")
    kind, stream = HEAD.unpack_from(body)
    return kind, stream, memoryview(body)[HEAD.size :]


def parse_opening(payload: Buffer) -> tuple[int, int, int]:
    """The offer's number, the first byte that is wanted, and the credit. Raises BadFrame."""
    number, at, credit = unpacked(OPENING, payload)
    return number, at, credit


def parse_number(payload: Buffer) -> int:
    """A number alone. Raises BadFrame."""
    number: int = unpacked(NUMBER, payload)[0]
    return number


def parse_ending(payload: Buffer) -> tuple[int, bytes]:
    """The size of a stream that is over, and its root. Raises BadFrame."""
    size, root = unpacked(ENDING, payload)
    return size, root


def parse_proof(payload: Buffer) -> tuple[int, Buffer]:
    """The block's number, and the hashes of its chunks. Raises BadFrame."""
    return parse_number(payload[: NUMBER.size]), payload[NUMBER.size :]


def parse_failure(payload: Buffer) -> FileFailure:
    """Why nothing more comes; UNREADABLE where this version does not know the reason."""
    return FileFailure(payload[0]) if payload and payload[0] in set(FileFailure) else FileFailure.UNREADABLE


def unpacked(layout: Layout, payload: Buffer) -> tuple[Any, ...]:
    try:
        return layout.unpack(payload)
    except LayoutError:
        raise BadFrame(f"An item about a file has a payload of {len(payload)} bytes; it must have {layout.size}.") from None
