"""Every limit, with its name. All are checked before anything is allocated."""

from typing import Self

from msgspec import Struct
from msgspec.structs import replace

KIB = 1024
MIB = 1024 * KIB
TOO_LONG, SPLIT = "too-long", "Split it."
"""The code of the error for a message that is too long, and what to do."""


class Limits(Struct, frozen=True):
    """How much a conversation accepts. Sizes in bytes, times in seconds."""

    message: int = MIB
    """The longest message, in bytes; a frame may be longer by the cipher's overhead."""
    first_byte: float = 5.0
    """How long a peer may send nothing before its handshake, in seconds."""
    handshake: float = 10.0
    """How long a handshake may take, in seconds, not counting the time in which a person is asked."""
    person: float = 300.0
    """How long, in seconds, the person on the other side may take to answer a question that both sides ask."""
    goodbye: float = 10.0
    """How long, in seconds without any progress, a side that has said goodbye waits for the other to receive everything."""
    ping: float = 30.0
    """After how many seconds of silence a peer is pinged, and after how many more it counts as gone (`--ping`; 0: never)."""
    unread: int = 256 * KIB
    """How many bytes a peer may send ahead during a handshake before it is held back."""
    unauthenticated: int = 100
    """How many peers may be in their handshake with a server at one time. A newcomer then replaces another."""
    unauthenticated_per_address: int = 20
    """The same for peers of one address."""
    failures: int = 10
    """How many handshakes of one address may fail before it has to wait."""
    failures_within: float = 60.0
    """The time within which these failures count, in seconds."""
    connections: int = 1000
    """How many members there may be at one time, where a feature connects many people."""
    reserved: int = 10
    """How many more places are reserved for keys that hold a role, such as operators."""
    idle: float = 600.0
    """How long a member must have been silent, in seconds, before a full server may remove it to admit another."""
    connections_per_key: int = 50
    """How many members with one key there may be at one time, from all addresses."""
    connections_per_address: int = 50
    """The same for one address; those of this machine have no limit."""
    farewell: float = 30.0
    """How long at most, in seconds, a server that is told to end waits for its peers to receive everything."""
    penalty: float = 30.0
    """How long such an address is refused, in seconds. Addresses of this machine never are."""

    def patient(self, seconds: float) -> Self:
        """The same, with handshakes that may take at least this many seconds."""
        first_byte, handshake = max(self.first_byte, seconds), max(self.handshake, seconds)
        return self if not seconds else replace(self, first_byte=first_byte, handshake=handshake)


DEFAULT_LIMITS = Limits()


def too_long(text: str, most: int = DEFAULT_LIMITS.message) -> str:
    """Why a text cannot be said, in a sentence; empty if it has at most `most` bytes."""
    if len(text) * 4 <= most or len(text.encode(errors="replace")) <= most:  # a character has four bytes at most
        return ""
    return f"That is longer than a message may be ({most:,} bytes) and was not sent."
