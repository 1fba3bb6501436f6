"""Records of plytalk/1: items, then zeros up to a bucket, so that a record's length says little about what is in it.

    +-----------+-------------------+------+-----+-----------+-------------------+------+-------+
    | type (u8) | length (u16, BE)  | body | ... | type (u8) | length (u16, BE)  | body | zeros |
    +-----------+-------------------+------+-----+-----------+-------------------+------+-------+

A record has 64, 256, 1024, 4096, 16384 or 65519 bytes; with the cipher's tag the last is the longest Noise message. All that is
said within one turn shares records. The type's highest bit says that more of the same message follows; a message has 1 MiB in
all. Types from 8 on are for features. `close` carries a reason (u8) and the number of records sent before it (u64, BE), so that
a cut cannot pass for a goodbye; a sentence for the peer's user may follow.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from struct import Struct
from typing import Any

from plytalk.core.contracts.errors import BadFrame, FrameTooLong, LocalError, RemoteError
from plytalk.core.contracts.items import EXIT, Ack, Close, Control, Empty, Extension, Item, Ping, Pong, Undecodable
from plytalk.core.contracts.limits import DEFAULT_LIMITS, KIB
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.sealed_count import CountsSealed
from plytalk.core.contracts.spans import Passed, Span
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins import record_spans
from plytalk.plugins.record_spans import HEADER, MORE, Type

FIRST_EXTENSION = 8
"""Types from here on belong to features; where nobody asks for one, it is skipped."""

MESSAGE = int(Type.MESSAGE)
HEAD = HEADER.size
SHORT = [HEADER.pack(MESSAGE, length).decode("latin-1") for length in range(256)]
CLOSE_BODY = Struct(">BQ")
ACK_BODY = Struct(">Q")
BUCKETS = (64, 256, 1024, 4096, 16384, 65519)
SIZES = frozenset(BUCKETS)
ONE = BUCKETS[3]
"""Up to how many bytes of items go into one record in any case."""
CAPACITY = BUCKETS[-1]
MAX_BODY = CAPACITY - HEAD
MAX_MESSAGE = DEFAULT_LIMITS.message
MAX_EXTENSION = MAX_MESSAGE + KIB  # a whole message, and what a feature says about it
MAX_SENTENCE = 512
"""The longest sentence of a `close`, in bytes."""


class Records(Messages):
    """Typed items in padded records, with a goodbye that cannot be forged."""

    name = "records"
    needs = {Property.INTEGRITY, Property.ORDER, Property.BOUNDARIES}
    gives = {Property.CLEAN_END, Property.LENGTH_HIDING}
    prefers = {"feature": "rooms"}
    carries = frozenset({Close, Empty, Ping, Pong})
    extensible = True

    def __init__(self, boundaries: bool, **options: Any) -> None:
        super().__init__(boundaries)
        self._received = 0
        self._cipher: CountsSealed | None = None
        self._parts: bytearray | None = None  # of an item that has begun; a list of parts would grow with empty ones, too
        self._kind = MESSAGE  # of that item

    # -- out --------------------------------------------------------------------------------------------------------------

    def prepare(self, text: str) -> str | None:
        return None if not text or text.isspace() else text  # a blank line says nothing

    def pack(self, items: Sequence[Item]) -> list[bytes]:
        if items and items[0].__class__ is str and (short := pack_short(items)):
            return short
        encoded = [encode_item(item) for item in items if item.__class__ is not Empty]
        whole = sum([HEAD + len(body) for _, body in encoded])
        room = room_of(whole) if whole > ONE else CAPACITY
        records: list[bytes] = []
        parts: list[bytes] = []
        size = 0
        for kind, body in encoded:
            length = len(body)
            if size + HEAD + length > room:
                if parts:
                    records.append(b"".join(parts))
                while length > MAX_BODY:
                    records.append(HEADER.pack(kind | MORE, MAX_BODY) + body[:MAX_BODY])
                    body = body[MAX_BODY:]
                    length = len(body)
                parts, size = [], 0
            if kind == Type.CLOSE:
                sealed = self._cipher.sealed_count if self._cipher else 0
                body = CLOSE_BODY.pack(body[0], sealed + len(records)) + body[CLOSE_BODY.size :]
            parts += HEADER.pack(kind, length), body
            size += HEAD + length
        if parts or (items and not records):
            records.append(b"".join(parts))
        return [record.ljust(BUCKETS[bisect_left(BUCKETS, len(record))], b"\0") for record in records]

    def count_by(self, cipher: CountsSealed) -> None:
        self._cipher = cipher

    @property
    def unfinished(self) -> int:
        return 0 if self._parts is None else len(self._parts)

    # -- in ---------------------------------------------------------------------------------------------------------------

    def unpack(self, plaintext: bytes) -> list[Item]:
        size = len(plaintext)
        if size not in SIZES:
            raise BadFrame(f"A record of {size:,} bytes came; records are padded to one of {BUCKETS}.")
        # Where the first item has 256 bytes or more there are few, and to decode the whole record first would only copy it.
        is_short = plaintext[0] == MESSAGE and not plaintext[1] and self._parts is None
        items, at = read_short(plaintext) if is_short else ([], 0)
        while at <= size - HEAD and plaintext[at]:
            kind, length = HEADER.unpack_from(plaintext, at)
            start = at + HEAD
            at = start + length
            body = plaintext[start:at]
            if FIRST_EXTENSION <= kind < MORE and self._parts is None:
                items.append(Extension(kind, body))
            else:
                items += self._decode(kind, body)
        if at > size:
            raise BadFrame("A record ends in the middle of an item.")
        if plaintext.count(0, at) != size - at:
            raise BadFrame("A record's padding is not zero.")
        self._received += 1
        return items

    def unpack_batch(self, plaintexts: Sequence[bytes]) -> list[Item]:
        before = self._received, self._kind, None if self._parts is None else bytearray(self._parts)
        try:
            return [item for plaintext in plaintexts for item in self.unpack(plaintext)]
        except RemoteError:
            self._received, self._kind, self._parts = before
            raise

    def _decode(self, kind: int, body: bytes) -> list[Item]:
        if self._parts is not None or kind & ~MORE == MESSAGE or kind & ~MORE >= FIRST_EXTENSION:
            return self._join(kind, body)
        match kind:
            case Type.PING:
                return [Ping(body)]
            case Type.PONG:
                return [Pong(body)]
            case Type.CONTROL:
                return [Control(body)]
            case Type.ACK if len(body) == ACK_BODY.size:
                return [Ack(*ACK_BODY.unpack(body))]
            case Type.CLOSE:
                return [self._close(body)]
        return []  # what nothing here asks for: its length says where the next item begins

    def _join(self, kind: int, body: bytes) -> list[Item]:
        its, more = kind & ~MORE, kind & MORE
        if self._parts is None:
            if not more:
                return [whole_item(its, body)]
            self._parts, self._kind = bytearray(), its
        elif its != self._kind:
            raise BadFrame("Another item came in the middle of a message.")
        whole = self._parts
        if len(whole) + len(body) > (MAX_MESSAGE if its == MESSAGE else MAX_EXTENSION):
            raise FrameTooLong(f"The other side sent a message of more than {MAX_MESSAGE:,} bytes.")
        whole += body
        if more:
            return []
        self._parts = None
        return [whole_item(its, whole)]

    def _close(self, body: bytes) -> Close:
        if not CLOSE_BODY.size <= len(body) <= CLOSE_BODY.size + MAX_SENTENCE:
            raise BadFrame("A goodbye came that is not written as it should be.")
        reason, records_before = CLOSE_BODY.unpack_from(body)
        try:
            sentence = body[CLOSE_BODY.size :].decode()
        except UnicodeDecodeError:
            raise BadFrame("A goodbye came whose sentence is not UTF-8 text.") from None
        if records_before != self._received:
            raise BadFrame("The goodbye counts other records than those that came.")
        return Close(EXIT, reason, sentence)

    def fields(self, message: Passed) -> Iterator[Span]:
        return record_spans.record(message)


def pack_short(items: Sequence[Item]) -> list[bytes] | None:
    """Records of messages in ASCII with fewer than 256 characters, made all at once in a third of the time; None for others."""
    try:
        if not "".join(items).isascii():  # type: ignore[arg-type]  # what is not a message raises
            return None
        parts = [SHORT[len(text)] + text for text in items]  # type: ignore[arg-type, operator]
    except (TypeError, IndexError):
        return None
    pieces = ["".join(parts)]
    if len(pieces[0]) > ONE:
        pieces = split_at_items(pieces[0], parts)
    return [piece.encode("latin-1").ljust(BUCKETS[bisect_left(BUCKETS, len(piece))], b"\0") for piece in pieces]


def split_at_items(whole: str, parts: Sequence[str]) -> list[str]:
    """The parts of a whole, joined to as many texts as it takes records."""
    room = room_of(len(whole))
    ends, cuts = list(accumulate(map(len, parts), initial=0)), [0]
    while ends[-1] - cuts[-1] > room:
        cuts.append(ends[bisect_right(ends, cuts[-1] + room) - 1])
    return [whole[cut:end] for cut, end in pairwise([*cuts, len(whole)])]


def encode_item(item: Item) -> tuple[int, bytes]:
    """An item's type and body. In that of a `close`, the number of records before it is still to be set. Raises LocalError."""
    match item:
        case Extension() if FIRST_EXTENSION <= item.type < MORE and len(item.body) <= MAX_EXTENSION:
            return item.type, item.body  # names in the pattern would take three times as long
        case str():
            return MESSAGE, item.encode(errors="replace")  # half a character can come from a terminal
        case Ack(taken):
            return Type.ACK, ACK_BODY.pack(taken)
        case Close(_, reason, sentence):
            return Type.CLOSE, CLOSE_BODY.pack(reason, 0) + shortened(sentence)
        case Control(body) if len(body) <= MAX_BODY:  # what is not a message is not split
            return Type.CONTROL, body
        case Ping(body) if len(body) <= MAX_BODY:
            return Type.PING, body
        case Pong(body) if len(body) <= MAX_BODY:
            return Type.PONG, body
    raise LocalError(f"The messages `records` cannot carry this {type(item).__name__}.")


def shortened(sentence: str) -> bytes:
    """A sentence in UTF-8, cut where it is too long, but never within a character."""
    whole = sentence.encode(errors="replace")
    return whole if len(whole) <= MAX_SENTENCE else whole[:MAX_SENTENCE].decode(errors="ignore").encode()


def room_of(size: int) -> int:
    """The bytes to put into a record when `size` bytes wait: two or three records of one size if one of the next size would be
    larger.
    """
    for bucket in (4096, 16384):
        if bucket < size <= 3 * bucket:
            return bucket
    return CAPACITY


def read_short(plaintext: bytes) -> tuple[list[Item], int]:
    """The messages of fewer than 256 bytes at the beginning of a record, and where they end: most records hold nothing else."""
    text = plaintext.decode("latin-1")  # a character for each byte, decoded once for all
    found: list[Any] = []
    add, at, last = found.append, 0, len(plaintext) - HEAD
    while at <= last and plaintext[at] == MESSAGE and not plaintext[at + 1]:
        start = at + HEAD
        at = start + plaintext[at + 2]
        add(text[start:at])
    if not "".join(found).isascii():
        found = [decoded(one.encode("latin-1")) for one in found]
    return found, at


def whole_item(kind: int, body: bytes | bytearray) -> Item:
    return decoded(body) if kind == MESSAGE else Extension(kind, bytes(body))


def decoded(body: bytes | bytearray) -> Item:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return Undecodable(body.decode(errors="replace"))


@hookimpl
def layers() -> list[type[Records]]:
    return [Records]
