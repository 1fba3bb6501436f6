"""Every limit, with its name. All are checked before anything is allocated."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True)
class Limits:
    """How much a conversation accepts. Sizes in bytes, times in seconds."""

    handshake_frame: int = 8 * KIB
    message: int = MIB
    first_byte: float = 5.0
    handshake: float = 10.0
    goodbye: float = 1.0
    unread: int = 256 * KIB
    connections: int = 1000
    unauthenticated: int = 100
    unauthenticated_per_address: int = 20
