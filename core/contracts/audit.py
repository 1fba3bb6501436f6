"""What a handshake tells `chat audit` about a server, and how."""

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
    """How good a finding is."""

    GOOD = "good"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One finding: what it is about, a sentence, and what to do. If the server `lacks` a protection, the policy decides the
    grade.
    """

    grade: Grade
    about: str
    says: str
    advice: str = ""
    lacks: Property | None = None


class Probe(Protocol):
    """A server under audit. Each question uses a new connection."""

    def io(
        self, ask: Callable[[Identity], Awaitable[None]] | None = None, agreement: str = ""
    ) -> AbstractAsyncContextManager[HandshakeIO]:
        """Open a connection, as frames. A pre-shared key, if the two sides agree on one, is a guess. Raises CannotConnect,
        TooSlow.
        """

    async def key_shown_to(self, handshake: Handshake, agreement: str = "") -> Identity:
        """Return the key that the server shows this handshake, which ends there. Raises RemoteError."""

    async def lets_in(self, handshake: Handshake) -> bool | None:
        """Return whether the server talks to any peer with this handshake; None if that cannot be seen."""

    async def closes(self, *frames: bytes, within: float | None = None) -> bool:
        """Return whether the server closes a connection after these bytes."""

    def habits(self, kind: FrameKind, malformed: bytes) -> AsyncIterator[Finding]:
        """Find out what the server does with a first frame of this kind that is malformed or too long, with silence, and with
        many connections at once.
        """


@runtime_checkable
class Audits(Protocol):
    """A handshake that can look at a server from outside."""

    def audit(self, probe: Probe) -> AsyncIterator[Finding]:
        """Return what a stranger can find out about a server with this handshake. Called without `ready`. Raises RemoteError if
        the server does not speak this handshake, CannotConnect if it is gone.
        """
