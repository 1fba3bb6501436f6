"""A server under audit: each question has its own connection, and each answer is a finding.

Nothing here knows a protocol, and no key of the user is shown: each handshake asks its own questions (`Audits.audit`).
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from msgspec.structs import replace

from plytalk.core.contracts.audit import Finding, Grade
from plytalk.core.contracts.errors import CannotConnect, HandshakeFailed, RemoteError, TooSlow
from plytalk.core.contracts.handshake import Handshake, HandshakeIO
from plytalk.core.contracts.items import Close, Ping, Pong
from plytalk.core.contracts.layer import Buffer, FrameKind
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.transport import Stream
from plytalk.core.pipeline.establish import Established, Establishment, OpeningCallbacks
from plytalk.core.pipeline.handshake_io import MAX_RECORD, MESSAGE, FrameHandshakeIO
from plytalk.core.stack.selection import Stack

SILENCE, CROWDING = 20.0, 2.0
"""In seconds: how long silence may last, and the time in which many connections must be limited."""
CROWD = 40
OVERSIZE = 60_000


@dataclass
class UnreadConnection:
    """A connection that is not read yet, and what has arrived on it."""

    stream: Stream
    data: bytearray = field(default_factory=bytearray)
    something: asyncio.Event = field(default_factory=asyncio.Event)

    def receive(self, data: Buffer) -> None:
        self.data += data
        self.something.set()
        self.stream.pause()  # a greeting is enough: the rest comes when the connection is read

    def ended(self, error: Exception | None) -> None:
        self.something.set()


class ServerProbe:
    """The `Probe` of a server: every question gets its own connection. `thorough` includes questions that take long."""

    def __init__(
        self, stack: Stack, host: str, port: int, spare: UnreadConnection | None, thorough: bool, patience: float
    ) -> None:
        self.stack, self.thorough = stack, thorough
        self.first = b""
        self._host, self._port, self._spare, self._patience = host, port, spare, patience

    @asynccontextmanager
    async def io(
        self, ask: Callable[[Identity], Awaitable[None]] | None = None, agreement: str = ""
    ) -> AsyncIterator[HandshakeIO]:
        """A connection in frames; where a pre-shared key is agreed on, it is a guess. Raises CannotConnect, TooSlow."""
        unread, self._spare = self._spare or UnreadConnection(await self._connect()), None
        io = FrameHandshakeIO(self.stack.framer(), unread.stream, ask or _accept, _guess, agreement)
        if unread.data:
            io.feed(unread.data)
        unread.stream.deliver_to(io.feed, io.ended)
        try:
            async with asyncio.timeout(self._patience):
                yield io
        except TimeoutError:
            raise TooSlow(f"The server did not answer within {self._patience:g} seconds.") from None
        finally:
            self.first = io.first
            unread.stream.close()

    async def key_shown_to(self, handshake: Handshake, agreement: str = "") -> Identity:
        """The key that the server shows; the handshake ends there. Raises RemoteError."""
        async with self.io(_show, agreement) as io:
            try:
                await handshake.initiate(io)
            except _Shown as shown:
                return shown.identity
        raise HandshakeFailed("The server showed no key.")

    async def lets_in(self, handshake: Handshake) -> bool | None:
        """Whether the server talks to any peer with this handshake, which it proves by an answer; None for no sign."""
        stack = replace(self.stack, handshake=handshake, auths=())
        stream = await self._connect()
        limits = Limits(handshake=self._patience)
        try:
            opened = await Establishment(
                stack, stream, Role.INITIATOR, stream.peer, limits, None, callbacks=OpeningCallbacks(notice=_ignore)
            ).run()
            async with asyncio.timeout(self._patience):
                return await _answers(opened)
        except RemoteError:
            return False
        except TimeoutError:
            return None
        finally:
            stream.close()

    async def closes(self, *frames: bytes, within: float | None = None) -> bool:
        """Whether the server closes a connection on which it receives these bytes."""
        stream = await self._connect()
        over = asyncio.Event()
        stream.deliver_to(lambda data: None, lambda error: over.set())
        try:
            for frame in frames:
                stream.send(frame)
            async with asyncio.timeout(within or self._patience):
                await over.wait()
        except TimeoutError:
            return False
        finally:
            stream.close()
        return True

    async def habits(self, kind: FrameKind, malformed: bytes) -> AsyncIterator[Finding]:
        """What the server does with a first frame of random bytes, with one that is too long, with silence and with a crowd."""
        encode = self.stack.framer().encode
        for what, payload in (("A malformed", malformed), ("An oversize", bytes(OVERSIZE))):
            if await self.closes(encode(kind, payload)):
                yield Finding(Grade.GOOD, "robustness", f"{what} first frame ends the connection at once.")
            else:
                yield Finding(
                    Grade.WARN, "robustness", f"{what} first frame leaves the connection open.", "End it at the first error."
                )
        if self.thorough:
            yield await self._in_silence()
            yield await self._in_a_crowd()

    async def _in_silence(self) -> Finding:
        begun = asyncio.get_running_loop().time()
        if await self.closes(within=SILENCE):
            seconds = asyncio.get_running_loop().time() - begun
            return Finding(Grade.GOOD, "limits", f"A silent peer is disconnected after {seconds:.0f} seconds.")
        return Finding(
            Grade.WARN,
            "limits",
            f"A silent peer stays connected for {SILENCE:.0f} seconds or more.",
            "Limit the time for a handshake: silent peers use up the server's connections.",
        )

    async def _in_a_crowd(self) -> Finding:
        """Return whether some of many silent connections from one address are refused."""
        ended = asyncio.Event()
        streams: list[Stream] = []
        try:
            for _ in range(CROWD):
                streams.append(await self._connect())
                streams[-1].deliver_to(lambda data: None, lambda error: ended.set())
            async with asyncio.timeout(CROWDING):
                await ended.wait()
        except (TimeoutError, CannotConnect):
            if len(streams) == CROWD and not ended.is_set():
                return Finding(
                    Grade.WARN,
                    "limits",
                    f"One address can have {CROWD} handshakes open at a time.",
                    "Limit them: one peer can use up the server's connections.",
                )
        finally:
            for stream in streams:
                stream.close()
        return Finding(Grade.GOOD, "limits", f"One address cannot have {CROWD} handshakes open at a time.")

    async def _connect(self) -> Stream:
        return await self.stack.transport.connect(self._host, self._port)


class _Shown(Exception):
    def __init__(self, identity: Identity) -> None:
        self.identity = identity


async def _show(identity: Identity) -> None:
    raise _Shown(identity)


async def _accept(identity: Identity) -> None:
    """Accept any key: nothing secret follows."""


async def _guess(io: HandshakeIO) -> bytes:
    return os.urandom(32)


def _ignore(sentence: str) -> None:
    """Ignore what a user would be told: an audit reports its findings."""


async def _answers(opened: Established) -> bool:
    seal, pack = opened.cipher.seal, opened.messages.pack
    for plaintext in pack([Ping(b"audit")]):
        await opened.io.send(MESSAGE, seal(plaintext))
    opened.framer.limit = MAX_RECORD
    while True:
        plaintext = opened.cipher.open(await opened.io.receive(MESSAGE, MAX_RECORD))
        if Pong(b"audit") in opened.messages.unpack(plaintext):
            for goodbye in pack([Close()]):
                await opened.io.send(MESSAGE, seal(goodbye))
            return True
