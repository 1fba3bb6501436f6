"""The attacker's own handshake with one side, each message of it held: those that come, and those that the attacker sends."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from plytalk.core.contracts.errors import Refused
from plytalk.core.contracts.handshake import HandshakeIO, NegotiatingIO
from plytalk.core.contracts.layer import FrameKind
from plytalk.core.contracts.peers import Identity, Reply
from plytalk.core.pipeline.handshake_io import FrameHandshakeIO

Agree = Callable[[HandshakeIO], Awaitable[bytes]]
DecideStep = Callable[[bool, FrameKind, bytes, Sequence[bytes]], Awaitable[Sequence[bytes]]]
"""What is to pass in place of a message: whether the attacker sends it, its kind, its payload, and the messages before it."""


class SteppedHandshakeIO(NegotiatingIO):
    """Talks through `io`. A message that is dropped was not sent, or is waited for again; one that is repeated comes again."""

    def __init__(self, io: FrameHandshakeIO, agree: Agree, hold: DecideStep) -> None:
        self._io, self._agree, self._hold = io, agree, hold
        self.agreement, self.proven, self.disclose = io.agreement, io.proven, io.disclose
        self._passed: list[bytes] = []
        self._held: deque[bytes] = deque()

    @property
    def has_received(self) -> bool:  # type: ignore[override]
        return self._io.has_received

    def send(self, kind: FrameKind, payload: bytes) -> Reply[None]:
        return Reply(self._send, kind, payload)

    def receive(self, kind: FrameKind, limit: int) -> Reply[bytes]:
        return Reply(self._receive, kind, limit)

    def ask(self, identity: Identity) -> Reply[None]:
        return self._io.ask(identity)

    def agree(self) -> Reply[bytes]:
        return Reply(self._agree, self)

    def answer(self) -> None:
        self._io.answer()

    def refuse(self, refusal: Refused) -> Reply[None]:
        return self._io.refuse(refusal)

    async def _send(self, kind: FrameKind, payload: bytes) -> None:
        for one in await self._decide(True, kind, payload):
            await self._io.send(kind, one)

    async def _receive(self, kind: FrameKind, limit: int) -> bytes:
        while not self._held:
            self._held.extend(await self._decide(False, kind, await self._io.receive(kind, limit)))
        return self._held.popleft()

    async def _decide(self, own: bool, kind: FrameKind, payload: bytes) -> Sequence[bytes]:
        before = tuple(self._passed)
        self._passed.append(payload)
        return await self._hold(own, kind, payload, before)
