"""Whole frames over a stream: what a handshake talks through.

Frames are cut one at a time, when they are asked for. So what arrives behind the last handshake message stays in the framer
and is the conversation's, and the limit of the moment holds for each frame.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext

from plytalk.core.errors import BadFrame, FrameTooLong, HandshakeFailed, LocalError, Tampered, WrongSecret
from plytalk.core.keys import Identity, Reply
from plytalk.core.layers import Buffer, Cipher, Framer, Kind, Messages, Stream
from plytalk.core.messages import Control

MESSAGE: Kind = b"M"
MAX_RECORD = 65535
FIRST = 64
"""How many of the first bytes are kept, to say what the other side runs when it is not what we run."""


class Wire:
    """`send`, `receive` and `ask`: all that a handshake may want of the world. Each must be awaited."""

    def __init__(
        self,
        framer: Framer,
        stream: Stream,
        ask: Callable[[Identity], Awaitable[None]],
        agree: Callable[["Wire"], Awaitable[bytes]] | None = None,
        agreement: str = "",
        unread: int = 256 * 1024,
    ) -> None:
        self._framer, self._stream, self._ask, self._agree, self._unread = framer, stream, ask, agree, unread
        self.agreement = agreement
        self.first = b""
        self._arrived = asyncio.Event()
        self.heard = False
        self.over = False
        self.error: Exception | None = None
        self.fault: Exception | None = None

    def send(self, kind: Kind, payload: bytes) -> Reply[None]:
        """Send one frame."""
        return Reply(self._send, kind, payload)

    def receive(self, kind: Kind, limit: int) -> Reply[bytes]:
        """The payload of the next frame, which must be of this kind and of at most `limit` bytes.

        Raises FrameTooLong, BadFrame, or HandshakeFailed when the peer is gone.
        """
        return Reply(self._receive, kind, limit)

    def ask(self, identity: Identity) -> Reply[None]:
        """Let the authenticators judge the key the other side showed. Raises what they raise; returning means yes."""
        return Reply(self._ask, identity)

    def agree(self) -> Reply[bytes]:
        """The pre-shared key that the authenticators bring into the handshake, by the method named `agreement`."""
        if self._agree is None:
            raise LocalError("Nothing that was chosen brings a pre-shared key into the handshake.")
        return Reply(self._agree, self)

    def disclose(self, name: str, key: bytes) -> None:
        """A key of the conversation, for a trace that was asked for with its secrets; without one nothing happens.

        For handshakes that leave cipher states. Keys that they leave as bytes, in `Secrets`, are traced without it.
        """

    async def _send(self, kind: Kind, payload: bytes) -> None:
        self._stream.send(self._framer.encode(kind, payload))
        await self._stream.drained()

    async def _receive(self, kind: Kind, limit: int) -> bytes:
        self._framer.limit = limit
        while (frame := next(self._framer.frames(), None)) is None:
            if self.fault:
                raise self.fault
            if self.over:
                raise HandshakeFailed("The other side closed the connection during the handshake.") from self.error
            self._arrived.clear()
            self._stream.resume()
            await self._arrived.wait()
        got, payload = frame
        if got is not None and got != kind:
            raise BadFrame(f"Expected a handshake frame of type {kind!r}, got {got!r}.")
        if len(payload) > limit:
            raise FrameTooLong(f"A handshake frame of {len(payload):,} bytes came; at most {limit:,} are accepted here.")
        return payload

    def feed(self, data: Buffer) -> None:
        """The stream's receiver while the handshake lasts."""
        if not self.heard:
            self.heard, self.first = True, bytes(data[:FIRST])
        self._arrived.set()
        try:
            self._framer.feed(data)
            if self._framer.unfinished > self._unread:
                self._stream.pause()
        except Exception as error:  # the handshake hears of it, not the loop
            self.fault = error

    async def gone(self, *, may_talk: bool) -> None:
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
        self.fault = self.error = self._agree = None
        self._ask = _asks_nobody


async def _asks_nobody(identity: Identity) -> None:
    raise LocalError("This handshake is over.")


class Channel:
    """The wire when the handshake is done: each body is sealed in a record of its own. For authenticators, before any talk.

    `thinking()` is a context in which the clock gives the other side's person time.
    """

    def __init__(
        self,
        wire: Wire,
        cipher: Cipher,
        messages: Messages,
        thinking: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._wire, self._cipher, self._messages, self._thinking = wire, cipher, messages, thinking

    def send(self, body: bytes) -> Reply[None]:
        """Send one body to the other side's authenticator."""
        return Reply(self._send, body)

    def receive(self, person: bool = False) -> Reply[bytes]:
        """The next body; `person` gives it the time that somebody on the other side needs for an answer.

        Raises WrongSecret where it does not open: the two sides do not hold the same keys.
        """
        return Reply(self._receive, person)

    def prove(self, binding: bytes) -> Reply[None]:
        """Show each other that both hold the same keys, by sending the same `binding` both ways. Raises WrongSecret."""
        return Reply(self._prove, binding)

    async def _send(self, body: bytes) -> None:
        for plaintext in self._messages.pack([Control(body)]):
            await self._wire.send(MESSAGE, self._cipher.seal(plaintext))

    async def _prove(self, binding: bytes) -> None:
        await self._send(binding)
        try:
            theirs = await self._receive()
        except WrongSecret:
            raise
        except HandshakeFailed as error:  # who cannot read our last message hangs up
            if not self._wire.over:
                raise
            raise WrongSecret(
                "The other side hung up: it does not know the same secret, or it refused this side's key."
            ) from error
        if theirs != binding:
            raise WrongSecret

    async def _receive(self, person: bool = False) -> bytes:
        with self._thinking() if person else nullcontext():
            sealed = await self._wire.receive(MESSAGE, MAX_RECORD)
        try:
            items = list(self._messages.unpack(self._cipher.open(sealed)))
        except Tampered:
            raise WrongSecret from None
        match items:
            case [Control(body)]:
                return body
        raise HandshakeFailed("The other side began to talk before both sides had agreed that they may.")
