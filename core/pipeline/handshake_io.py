"""Whole frames over a stream: what a handshake talks through.

Frames are cut one at a time, when they are asked for. So what arrives behind the last handshake message stays in the framer
and is the conversation's, and the limit of the moment holds for each frame.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from plytalk.core.contracts.blame import BYTES
from plytalk.core.contracts.checked_calls import check_frame, checked
from plytalk.core.contracts.errors import (
    BadFrame,
    FrameTooLong,
    HandshakeFailed,
    LocalError,
    Refused,
    RemoteError,
)
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.handshake import Disclose, HandshakeIO, NegotiatingIO
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.layer import Buffer, FrameKind
from plytalk.core.contracts.optional import login_of
from plytalk.core.contracts.peers import Identity, Reply
from plytalk.core.contracts.transport import Stream

MESSAGE: FrameKind = b"M"
MAX_RECORD = 65535
FIRST = 64
"""How many of the first bytes are kept, to say what the other side runs when it is not what we run."""


def check_kind(kind: object) -> None:
    """Raises TypeError, in the handshake's own call, so that not the framer is at fault for what it cannot encode."""
    if not isinstance(kind, bytes) or len(kind) != 1:
        raise TypeError(f"a frame's type is one byte, not {kind!r:.40}")


class FrameHandshakeIO(NegotiatingIO):
    """The handshake's view of the stream: whole frames, one at a time."""

    disclose: Disclose | None = None

    def __init__(
        self,
        framer: Framer,
        stream: Stream,
        ask: Callable[[Identity], Awaitable[None]],
        agree: Callable[[HandshakeIO], Awaitable[bytes]] | None = None,
        agreement: str = "",
        unread: int = 256 * 1024,
        defers: bool = False,
        turn: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`defers`: this end is a server that can tell a client why it is not let in."""
        self._turn = turn
        self._framer, self._stream, self._ask, self._agree, self._unread = framer, stream, ask, agree, unread
        self._defers = defers
        self.agreement = agreement
        self.proven = login.key if (login := login_of(stream)) else None
        self.first = b""
        self._arrived = asyncio.Event()
        self.has_received = self.took = False
        self.answers = False
        self.refusal: RemoteError | None = None
        """Why this server does not let the client in, which it is still to be told."""
        self.over = False
        self.error: Exception | None = None
        self.fault: BaseException | None = None

    def send(self, kind: FrameKind, payload: bytes) -> Reply[None]:
        return Reply(self._send, kind, payload)

    def receive(self, kind: FrameKind, limit: int) -> Reply[bytes]:
        return Reply(self._receive, kind, limit)

    def ask(self, identity: Identity) -> Reply[None]:
        return Reply(self._judge_key, identity)

    def answer(self) -> None:
        self.answers = True

    def refuse(self, refusal: Refused) -> Reply[None]:
        return Reply(self._put_off, refusal)

    def agree(self) -> Reply[bytes]:
        if self._agree is None:
            raise LocalError("Nothing that was chosen brings a pre-shared key into the handshake.")
        return Reply(self._agree, self)

    async def _judge_key(self, identity: Identity) -> None:
        try:
            await self._ask(identity)
        except RemoteError as refusal:
            await self._put_off(refusal)

    async def _put_off(self, refusal: RemoteError) -> None:
        if not (self.answers and self._defers):
            raise refusal
        self.refusal = refusal

    async def _send(self, kind: FrameKind, payload: bytes) -> None:
        check_kind(kind)
        if not isinstance(payload, BYTES):
            raise TypeError(f"a frame's payload is bytes, not {type(payload).__name__}")
        self._stream.send(checked(self._framer, "encode", BYTES, kind, payload))
        await self._stream.drained()

    async def _receive(self, kind: FrameKind, limit: int) -> bytes:
        check_kind(kind)
        if not isinstance(limit, int):
            raise TypeError(f"a limit is a number of bytes, not {type(limit).__name__}")
        self._framer.limit = limit
        while (frame := next(checked(self._framer, "frames", Iterator), None)) is None:
            if self.fault:
                raise self.fault
            if self.over:
                if isinstance(self.error, LocalError):  # the transport knows better what has failed on this side
                    raise self.error
                raise HandshakeFailed("The other side closed the connection during the handshake.") from self.error
            self._arrived.clear()
            self._stream.resume()
            await self._arrived.wait()
        payload: bytes
        got, payload = check_frame(self._framer, frame)
        if got is not None and got != kind:
            raise BadFrame(f"Expected a handshake frame of type {kind!r}, got {got!r}.")
        if len(payload) > limit:
            raise FrameTooLong(f"A handshake frame of {len(payload):,} bytes came; at most {limit:,} are accepted here.")
        if self._turn:  # what costs nothing has been checked, and what costs processor time waits
            await self._turn()
        self.took = True
        return payload

    def feed(self, data: Buffer) -> None:
        """The stream's receiver while the handshake lasts."""
        if not self.has_received:
            self.has_received, self.first = True, bytes(data[:FIRST])
        self._arrived.set()
        try:
            self._framer.feed(data)
            if self._framer.unfinished > self._unread:
                self._stream.pause()
        except BaseException as error:  # the handshake hears of it, not the loop
            let_through(error)
            self.fault = error

    async def closed(self) -> None:
        """Wait until the other side has closed; what it still says is dropped, since closing with it unread would reset the
        connection before the other side has read our last word."""
        self._stream.deliver_to(lambda data: None, self.ended)
        self._stream.resume()
        while not self.over:
            self._arrived.clear()
            await self._arrived.wait()

    async def wait_for_end(self, *, may_talk: bool) -> None:
        """Wait until the other side has closed the stream or, where it may not talk yet, has sent more than is kept unread.

        From then on the stream is paused, so its end would not be seen.
        """
        while not (self.over or self.fault or (not may_talk and self._framer.unfinished > self._unread)):
            self._arrived.clear()
            await self._arrived.wait()

    def ended(self, error: Exception | None) -> None:
        """The stream's end, while the handshake lasts."""
        self.over, self.error = True, error
        self._arrived.set()

    def release(self) -> None:
        """After a handshake that failed: drop what refers back to this. The traceback of a fault holds our own frame."""
        self.fault = self.error = self.refusal = self._agree = None
        self._ask = _asks_nobody


async def _asks_nobody(identity: Identity) -> None:
    raise LocalError("This handshake is over.")
