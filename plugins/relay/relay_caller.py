"""A connection to a relay, as the relay sees it, and the limits of a relay."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from plytalk.core.contracts.limits import KIB
from plytalk.core.contracts.transport import Stream
from plytalk.plugins.relay.relay_frames import FrameCutter, RelayReason


@dataclass(frozen=True)
class RelayLimits:
    """The limits of a relay, in all and for one source. A holder with more `unread` bytes is told of no new joiners."""

    holds: int = 1000
    pairs: int = 500
    unopened: int = 200
    joins_a_minute: int = 20
    holds_of_source: int = 8
    unread: int = 16 * KIB

    @property
    def connections(self) -> int:
        """How many connections there may be in all."""
        return self.holds + 2 * self.pairs + self.unopened


@dataclass
class RelayFigures:
    """What a relay counts: `pairs` is how many there are, all else how many there have been. None of it says who."""

    pairs: int = 0
    paired: int = 0
    evicted: int = 0
    bytes: int = 0
    refused: Counter[RelayReason] = field(default_factory=Counter)


class CallerState(Enum):
    """The state of a connection to the relay."""

    NEW = "new"
    CHALLENGED = "challenged"
    HOLDING = "holding"
    WAITING = "waiting"
    PAIRED = "paired"
    CLOSED = "closed"


@dataclass(eq=False)
class Caller:
    """A connection to the relay: `finished` once it has said its end."""

    stream: Stream
    source: bytes
    state: CallerState = CallerState.NEW
    cutter: FrameCutter = field(default_factory=FrameCutter)
    name: str = ""
    asked: bytes = b""
    nonce: bytes = b""
    ticket: bytes = b""
    heard: float = 0.0
    pings: int = 0
    partner: "Caller | None" = None
    timer: asyncio.TimerHandle | None = None
    finished: bool = False
