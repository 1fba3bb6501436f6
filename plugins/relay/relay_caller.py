"""A connection to a relay, as the relay sees it, and how much a relay carries."""

import asyncio
from dataclasses import dataclass, field
from enum import Enum

from plytalk.core.contracts.transport import Stream
from plytalk.plugins.relay.relay_frames import FrameCutter


@dataclass(frozen=True)
class RelayLimits:
    """How much a relay carries, in all and for one source."""

    holds: int = 1000
    pairs: int = 500
    unopened: int = 200
    joins_a_minute: int = 20
    holds_of_source: int = 8


class CallerState(Enum):
    """How far a connection to the relay has come."""

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
    partner: "Caller | None" = None
    timer: asyncio.TimerHandle | None = None
    finished: bool = False
