"""The messages between a client and a server with rooms, in items of two types (docs/protocol.md, section 8).

ROOM   either way: one JSON object; the server's are  welcome, you, tell, result, error
       and the client's  join
EVENT  from the server: something that happened in the room, the same bytes for everybody

+----------+------------------+-----------+------------+-----------------+-----+------------------+------+------+
| id (u64) | time in ms (u64) | kind (u8) | marks (u8) | key's size (u8) | key | name's size (u8) | name | text |
+----------+------------------+-----------+------------+-----------------+-----+------------------+------+------+

`key` is the SHA-256 of the sender's key, 32 bytes, or nothing if the sender has no key.
"""

import json
from enum import IntEnum, IntFlag
from struct import Struct
from struct import error as StructError
from typing import Any, NamedTuple

from plytalk.core.contracts.errors import BadFrame
from plytalk.core.contracts.events import NOT_AUTHENTICATED, NOT_ENCRYPTED, SSH_GUEST
from plytalk.core.contracts.public_key import fingerprint_of

ROOM, EVENT = 8, 9
HEAD = Struct(">QQBBB")
FIXED = Struct(">QQBB")  # the part before the sender
DIGEST = 32
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
TYPING, READ = "typing", "read"
"""The kinds of signals."""
LONGEST = 19
"""The largest number of digits of an event's number."""
MOST_NAME = 255
"""The longest name of a room or a member that a client takes from a server, in characters; a server gives shorter ones."""
MAX_REQUEST = 4096
"""The longest JSON object a client may send, in bytes."""


class Kind(IntEnum):
    """The kind of an event. The text is a new name or topic in RENAMED and TOPIC, a JSON object in TOLD, OTHER and MODERATED."""

    SAID = 1
    DID = 2
    JOINED = 3
    LEFT = 4
    RENAMED = 5
    TOPIC = 6
    TOLD = 7
    OTHER = 8
    MODERATED = 9


class Mark(IntFlag):
    """What members should know about an event's sender. The value 1 had another meaning in old history files."""

    NO_KEY = 2
    NOT_ENCRYPTED = 4
    OPERATOR = 8
    SSH_GUEST = 16


SEEN = (Kind.SAID, Kind.DID, Kind.JOINED, Kind.LEFT)
"""The kinds that a sender who gets lines is not sent back: it has seen them. Effects of a command are sent to everybody."""
WORDS = {Mark.SSH_GUEST: SSH_GUEST, Mark.NO_KEY: NOT_AUTHENTICATED, Mark.NOT_ENCRYPTED: NOT_ENCRYPTED}


class RoomEvent(NamedTuple):
    """An event of a room. `id` counts from 1, `time` is in milliseconds since 1970, and `key` is the SHA-256 of a key."""

    id: int
    time: int
    kind: int
    marks: int
    name: str
    text: str
    key: bytes = b""

    def encode(self) -> bytes:
        fixed = FIXED.pack(self.id, self.time, self.kind, self.marks)
        return fixed + head_of(self.name, self.key) + self.text.encode(errors="replace")

    @classmethod
    def decode(cls, body: bytes) -> "RoomEvent":
        """Parse an event. Raises BadFrame."""
        try:
            id, time, kind, marks, size = HEAD.unpack_from(body)
            if size not in (0, DIGEST):
                raise BadFrame(f"An event came whose key has {size} bytes.")
            at = HEAD.size + size
            end = at + 1 + body[at]
        except (StructError, IndexError):
            raise BadFrame("An event came that is too short.") from None
        if end > len(body):
            raise BadFrame("An event came whose name is longer than the event.")
        name, text = body[at + 1 : end].decode(errors="replace"), body[end:].decode(errors="replace")
        return cls(id, time, kind, marks, name, text, body[HEAD.size : at])

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of the sender's key."""
        return fingerprint_of(self.key) if self.key else None

    @property
    def details(self) -> dict[str, Any]:
        """The text of TOLD, OTHER and MODERATED as an object; empty if it is not one."""
        return read(self.text) or {}

    @property
    def weaknesses(self) -> list[str]:
        return weaknesses(self.marks)


def weaknesses(marks: int) -> list[str]:
    """Return what the marks say, in words."""
    return [word for mark, word in WORDS.items() if marks & mark] if marks else []


def head_of(name: str, key: bytes = b"") -> bytes:
    """Encode a sender as in an event: the digest of its key and its name, each after its size."""
    encoded = name.encode()
    return bytes((len(key),)) + key + bytes((len(encoded),)) + encoded


def write(**said: Any) -> bytes:
    """Encode the body of a ROOM item. Raises TypeError and ValueError for what JSON cannot represent."""
    return _encode(said).encode()


def read(body: bytes | str) -> dict[str, Any] | None:
    """Parse the body of a ROOM item. Return None if it is not a JSON object."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def number_of(id: str, room: str) -> int:
    """Return the number of an event of this room, from its id; 0 if the id is of another room."""
    where, _, number = id.rpartition("/")
    return int(number) if where == room and number.isdecimal() and len(number) <= LONGEST else 0
