"""What `chat audit` asks of a server through its handshake, and what comes of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from plytalk.core.contracts.handshake import Handshake, HandshakeIO
from plytalk.core.contracts.layer import FrameKind
from plytalk.core.contracts.peers import Identity
from plytalk.core.contracts.properties import Property


class Grade(StrEnum):
    """How good what was found is."""

    GOOD = "good"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One thing found out: what it is about, a sentence, and what to do. Where it `lacks` a protection, the policy grades it."""

    grade: Grade
    about: str
    says: str
    advice: str = ""
    lacks: Property | None = None


class Probe(Protocol):
    """A server to look at: every question to it has its own connection."""

    def io(
        self, ask: Callable[[Identity], Awaitable[None]] | None = None, agreement: str = ""
    ) -> AbstractAsyncContextManager[HandshakeIO]:
        """A connection in frames; where a pre-shared key is agreed on, it is a guess. Raises CannotConnect, TooSlow."""

    async def key_shown_to(self, handshake: Handshake, agreement: str = "") -> Identity:
        """The key that the server shows this handshake, which ends there. Raises RemoteError."""

    async def lets_in(self, handshake: Handshake) -> bool | None:
        """Whether the server talks to any peer with this handshake; None for no sign of it."""

    async def closes(self, *frames: bytes, within: float | None = None) -> bool:
        """Whether the server ends a connection on which these bytes come."""

    def habits(self, kind: FrameKind, malformed: bytes) -> AsyncIterator[Finding]:
        """What the server does with a malformed first frame of this kind, and with one too long; with silence and a crowd."""


@runtime_checkable
class Audits(Protocol):
    """A handshake that can look at a server from outside."""

    def audit(self, probe: Probe) -> AsyncIterator[Finding]:
        """What a stranger finds out about a server of this handshake. Called without `ready`.

        Raises RemoteError where the server does not speak this handshake, CannotConnect where it is gone.
        """
