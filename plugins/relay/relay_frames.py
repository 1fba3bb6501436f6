"""What is said to a relay and by it, before it passes bytes on (docs/protocol.md, plyrelay/1).

    any -> relay      PLYRELAY1\\n, then  H [key 32]   hold a name: a number, or that of a key
                                         H number     hold that number again
                                         J name        join the holder of a name
                                         A ticket 16   answer: a new connection of the holder, for one joiner
    relay -> holder   C nonce 32                       holder -> relay   S key 32, signature 64
                      O name                           K ticket 16, source 8
    relay -> both     G                                from then on raw bytes
    both, holding     P                                every 25 s
    relay -> any      N reason (u8)

Each is a frame: length (u16, BE) and payload, of 256 bytes at most. Every limit is checked before anything is kept.
"""

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct

from plytalk.core.contracts.errors import BadFrame, FrameTooLong
from plytalk.core.contracts.layer import Buffer

MAGIC = b"PLYRELAY1\n"
HOLD, JOIN, ANSWER = b"H", b"J", b"A"
CHALLENGE, SIGNED, OPENED, KNOCK, GO, PING, NO = b"C", b"S", b"O", b"K", b"G", b"P", b"N"
HEADER = Struct(">H")
MAX_PAYLOAD = 256
KEY, NONCE, SIGNATURE, TICKET, SOURCE = 32, 32, 64, 16, 8
MAX_NAME = 64
"""Bytes of a name: SHA256:... has 50."""
CONTEXT = b"plyrelay/1 hold"
PING_SECONDS = 25.0
"""After how long the relay and a holder each send a ping."""


class RelayReason(IntEnum):
    """Why a relay says no."""

    NOBODY = 1
    FULL = 2
    TOO_OFTEN = 3
    NOT_ADMITTED = 4
    MALFORMED = 5
    TAKEN = 6
    """To the holder of a key's name: another one has proved that it has the key."""


def frame(payload: bytes) -> bytes:
    """A payload behind its length."""
    return HEADER.pack(len(payload)) + payload


def first(kind: bytes, rest: bytes = b"") -> bytes:
    """The first frame of a connection to a relay."""
    return frame(MAGIC + kind + rest)


def no(reason: RelayReason) -> bytes:
    return frame(NO + bytes([reason]))


def signed_text(relay: str, nonce: bytes, asked: bytes) -> bytes:
    """What the holder of a key signs: the relay's host as typed, so that no relay can pass the challenge of another one on."""
    host = relay.encode()
    return CONTEXT + HEADER.pack(len(host)) + host + nonce + asked


class FrameCutter:
    """Cuts frames out of bytes as they arrive. `rest` are the bytes behind the last one."""

    def __init__(self) -> None:
        self.rest = bytearray()

    def feed(self, data: Buffer) -> None:
        self.rest += data

    def frames(self) -> Iterator[bytes]:
        """The payloads that are complete. Raises FrameTooLong, BadFrame for an empty one; stop asking, and the rest stays."""
        while len(self.rest) >= HEADER.size:
            (size,) = HEADER.unpack_from(self.rest)
            if size > MAX_PAYLOAD:
                raise FrameTooLong(f"A frame to or from a relay has {MAX_PAYLOAD} bytes at most.")
            if not size:
                raise BadFrame("A frame to or from a relay is not empty.")
            if len(self.rest) < HEADER.size + size:
                return
            payload = bytes(self.rest[HEADER.size : HEADER.size + size])
            del self.rest[: HEADER.size + size]
            yield payload
