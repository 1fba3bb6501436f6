"""The items about files, all of one type (docs/protocol.md, section 9).

+-----------+--------------+---------+
| kind (u8) | stream (u32) | payload |
+-----------+--------------+---------+

SAY     either way, stream 0: one JSON object, such as an offer
OPEN    from the receiver: the offer's number (u32), the first byte wanted (u64), and the first credit (u32)
CREDIT  from the receiver: a number of further bytes (u32)
STOP    from the receiver: it wants nothing more
PROOF   from the sender: a block's number (u32), and the hashes of its chunks
DATA    from the sender: the next bytes
END     from the sender: everything is sent; for a stream of unknown size, its size (u64) and its root (32 bytes)
FAIL    from the sender: nothing more comes; the reason (u8)
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
from plytalk.plugins.files.transfer_states import TransferState

HEAD = Layout(">BI")
OPENING = Layout(">IQI")
NUMBER = Layout(">I")
ENDING = Layout(">Q32s")
PIECE = 65_511
"""The bytes of data in one item, which exactly fills a record."""
WINDOW = 10 * PIECE
"""The most bytes in flight to one receiver. With a chunk, two proofs and a handshake, a cut loses less than 1 MiB."""
MAX_CREDIT = 1024 * KIB
"""The largest credit of one stream, in bytes."""
GIVE_BACK = 3 * PIECE
"""A receiver gives credit again after this many bytes."""
TOGETHER = 8 * PIECE
"""The bytes of data in one write. Each write wakes the receiver, which costs as much as everything else."""
STREAMS = 8
"""The largest number of streams that a member may have open."""
OFFERS = 16
"""The largest number of open offers of a member."""
ROOM_OFFERS = 100
"""The largest number of open offers in a room: every newcomer is sent all of them."""
MAX_SAID = 4 * KIB
"""The longest JSON object, in bytes."""


class FileKind(IntEnum):
    """The kind of an item."""

    SAY = 0
    OPEN = 1
    CREDIT = 2
    STOP = 3
    PROOF = 4
    DATA = 5
    END = 6
    FAIL = 7


class FileFailure(IntEnum):
    """The reason why a stream ends early."""

    CANCELLED = 0
    """The sender withdrew the offer."""
    GONE = 1
    """The sender has left, or its connection was cut."""
    UNREADABLE = 2
    """The sender can no longer read the file."""
    CHANGED = 3
    """The file has changed since it was offered."""
    TOO_MANY = 4
    """Too many streams are open."""
    UNKNOWN = 5
    """No offer has this number."""
    ONCE = 6
    """The offer can be sent only once, and this has begun."""


class Said(Struct, frozen=True, kw_only=True, tag_field="do", rename="kebab", omit_defaults=True):
    """A JSON object. `number` is the number of an offer: its sender's, or the server's in what the server sends."""

    number: Annotated[int, Meta(ge=0, lt=2**32)]


class Offering(Said, frozen=True, kw_only=True, tag="offer"):
    """An offer. `id` stays the same after a cut; `file` describes the file. `to` is a member's name, None for all in the room.

    After a cut, `key` is that member's key, empty for none, since the member may have another name or be away. From the server,
    `sender` is the member that offers the file: its name, its key and the weaknesses of its connection.
    """

    id: str
    file: dict[str, Any]
    to: str | None = None
    key: str | None = None
    sender: dict[str, Any] | None = None


class Taken(Said, frozen=True, kw_only=True, tag="taken"):
    """The server has passed an offer on, to this many members that can receive it. `to` is the only member that it is for."""

    members: int
    to: dict[str, Any] | None = None


class Refusal(Said, frozen=True, kw_only=True, tag="refused"):
    """The server refuses an offer, or has removed it; with the reason."""

    code: str
    text: str


class Withdrawal(Said, frozen=True, kw_only=True, tag="withdraw"):
    """An offer is withdrawn. `cut` says that its sender may reconnect and offer it again."""

    cut: bool = False


class FileReply(Said, frozen=True, kw_only=True, tag="reply"):
    """A receiver's reply to an offer: `accepted`, `declined`, `done`, `cancelled` or `failed`.

    From the server, `sender` is the receiver.
    """

    state: str
    sender: dict[str, Any] | None = None


REPLIES = frozenset(
    {TransferState.ACCEPTED, TransferState.DECLINED, TransferState.DONE, TransferState.CANCELLED, TransferState.FAILED}
)
Saying = Offering | Taken | Refusal | Withdrawal | FileReply
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Saying).decode


def say(said: Saying) -> bytes:
    """Return the body of a SAY item."""
    return HEAD.pack(FileKind.SAY, 0) + _encode(said)


def understand(payload: Buffer) -> Saying | None:
    """Parse a SAY item; None if this version does not know it. Raises BadFrame if it is too long."""
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
    """Return the kind, stream and payload of an item, without copying the payload. Raises BadFrame."""
    if len(body) < HEAD.size:
        raise BadFrame("An item about a file is too short.")
    kind, stream = HEAD.unpack_from(body)
    return kind, stream, memoryview(body)[HEAD.size :]


def parse_opening(payload: Buffer) -> tuple[int, int, int]:
    """Return the offer's number, the first byte wanted, and the credit. Raises BadFrame."""
    number, at, credit = unpacked(OPENING, payload)
    return number, at, credit


def parse_number(payload: Buffer) -> int:
    """Return the number that is the whole payload. Raises BadFrame."""
    number: int = unpacked(NUMBER, payload)[0]
    return number


def parse_ending(payload: Buffer) -> tuple[int, bytes]:
    """Return the size and the root of a stream that has ended. Raises BadFrame."""
    size, root = unpacked(ENDING, payload)
    return size, root


def parse_proof(payload: Buffer) -> tuple[int, Buffer]:
    """Return a block's number and the hashes of its chunks. Raises BadFrame."""
    return parse_number(payload[: NUMBER.size]), payload[NUMBER.size :]


def parse_failure(payload: Buffer) -> FileFailure:
    """Return the reason for an early end; UNREADABLE if this version does not know it."""
    return FileFailure(payload[0]) if payload and payload[0] in set(FileFailure) else FileFailure.UNREADABLE


def unpacked(layout: Layout, payload: Buffer) -> tuple[Any, ...]:
    try:
        return layout.unpack(payload)
    except LayoutError:
        raise BadFrame(f"An item about a file has a payload of {len(payload)} bytes; it must have {layout.size}.") from None
