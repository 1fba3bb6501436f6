"""A look at a server from outside: what a stranger finds out about it, graded.

`audit` connects, hears who speaks first, and lets the handshake of the profile that fits look closer (`Handshake.audit`), over a
`Target` that makes a connection for every question. Nothing here knows a protocol, and nothing shows a key of the user's own.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain

from plytalk.core.errors import CannotConnect, HandshakeFailed, RemoteError, TooSlow
from plytalk.core.keys import Identity, Role
from plytalk.core.layers import Buffer, Handshake, Kind, Stream, Transport
from plytalk.core.limits import Limits
from plytalk.core.messages import Close, Ping, Pong
from plytalk.core.opening import Opened, Opening
from plytalk.core.properties import MEANINGS, PROTECTIONS, Profile, Property
from plytalk.core.sanitise import clean
from plytalk.core.stack import Stack
from plytalk.core.wire import FIRST, MAX_RECORD, MESSAGE, Wire

GREETING, PATIENCE, SILENCE, CROWDING = 2.0, 5.0, 20.0, 2.0
"""Seconds: for a server that speaks first; for any answer; for how long silence may last; until a crowd is held back."""
CROWD = 40
OVERSIZE = 60_000

Known = tuple[Profile, Stack]


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


@dataclass(frozen=True)
class Report:
    """All findings about a server, and the profile it was recognised by, if it was."""

    profile: Profile | None
    findings: Sequence[Finding]

    @property
    def passed(self) -> bool:
        """Whether nothing is broken or weaker than the policy wants."""
        return all(finding.grade is not Grade.FAIL for finding in self.findings)


@dataclass
class _Heard:
    """What has arrived on a connection that nobody reads yet."""

    stream: Stream
    data: bytearray = field(default_factory=bytearray)
    something: asyncio.Event = field(default_factory=asyncio.Event)

    def receive(self, data: Buffer) -> None:
        self.data += data
        self.something.set()

    def ended(self, error: Exception | None) -> None:
        self.something.set()


class Target:
    """A server that is looked at: every question gets a connection of its own. `thorough` asks for what takes long, too."""

    def __init__(self, stack: Stack, host: str, port: int, spare: _Heard | None, thorough: bool, patience: float) -> None:
        self.stack, self.thorough = stack, thorough
        self.first = b""
        self._host, self._port, self._spare, self._patience = host, port, spare, patience

    @asynccontextmanager
    async def wire(self, ask: Callable[[Identity], Awaitable[None]] | None = None, agreement: str = "") -> AsyncIterator[Wire]:
        """A connection in frames; where a pre-shared key is agreed on, it is a guess. Raises CannotConnect, TooSlow."""
        heard, self._spare = self._spare or _Heard(await self._connect()), None
        wire = Wire(self.stack.framer(), heard.stream, ask or _accept, _guess, agreement)
        if heard.data:
            wire.feed(heard.data)
        heard.stream.deliver_to(wire.feed, wire.ended)
        try:
            async with asyncio.timeout(self._patience):
                yield wire
        except TimeoutError:
            raise TooSlow(f"The server did not answer within {self._patience:g} seconds.") from None
        finally:
            self.first = wire.first
            heard.stream.close()

    async def key_shown_to(self, handshake: Handshake, agreement: str = "") -> Identity:
        """The key that the server shows this handshake, which ends there. Raises RemoteError."""
        async with self.wire(_show, agreement) as wire:
            try:
                await handshake.initiate(wire)
            except _Shown as shown:
                return shown.identity
        raise HandshakeFailed("The server showed no key.")

    async def lets_in(self, handshake: Handshake) -> bool | None:
        """Whether the server talks to whoever comes with this handshake, which it proves by an answer; None for no sign."""
        stack = replace(self.stack, handshake=handshake, auths=())
        stream = await self._connect()
        limits = Limits(handshake=self._patience)
        try:
            opened = await Opening(stack, stream, Role.INITIATOR, stream.peer, limits, None).run()
            async with asyncio.timeout(self._patience):
                return await _answers(opened)
        except RemoteError:
            return False
        except TimeoutError:
            return None
        finally:
            stream.close()

    async def closes(self, *frames: bytes, within: float | None = None) -> bool:
        """Whether the server ends a connection on which these bytes come."""
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

    async def habits(self, kind: Kind, malformed: bytes) -> AsyncIterator[Finding]:
        """What the server does with a first frame of rubbish, of this kind, and with one too long; with silence and a crowd."""
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
            return Finding(Grade.GOOD, "limits", f"Who says nothing is disconnected after {seconds:.0f} seconds.")
        return Finding(
            Grade.WARN,
            "limits",
            f"Who says nothing stays connected for {SILENCE:.0f} seconds and more.",
            "Limit the time for a handshake: silent peers use up the server's connections.",
        )

    async def _in_a_crowd(self) -> Finding:
        """Whether some of many silent connections from one address are turned away."""
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
                    f"{CROWD} handshakes at a time are open to one address.",
                    "Limit them: one peer can use up the server's connections.",
                )
        finally:
            for stream in streams:
                stream.close()
        return Finding(Grade.GOOD, "limits", f"Not all of {CROWD} handshakes at a time are open to one address.")

    async def _connect(self) -> Stream:
        return await self.stack.transport.connect(self._host, self._port)


class _Shown(Exception):
    def __init__(self, identity: Identity) -> None:
        self.identity = identity


async def _show(identity: Identity) -> None:
    raise _Shown(identity)


async def _accept(identity: Identity) -> None:
    """Any key will do: nothing secret follows."""


async def _guess(wire: Wire) -> bytes:
    return os.urandom(32)


async def _answers(opened: Opened) -> bool:
    seal, pack = opened.cipher.seal, opened.messages.pack
    for plaintext in pack([Ping(b"audit")]):
        await opened.wire.send(MESSAGE, seal(plaintext))
    opened.framer.limit = MAX_RECORD
    while True:
        plaintext = opened.cipher.open(await opened.wire.receive(MESSAGE, MAX_RECORD))
        if Pong(b"audit") in opened.messages.unpack(plaintext):
            for goodbye in pack([Close()]):
                await opened.wire.send(MESSAGE, seal(goodbye))
            return True


async def audit(
    known: Sequence[Known],
    host: str,
    port: int,
    *,
    required: AbstractSet[Property],
    thorough: bool = False,
    patience: float = PATIENCE,
    greeting: float = GREETING,
) -> Report:
    """Look at a server. `required` are the protections whose lack is a failure. Raises CannotConnect.

    `known` are the profiles that may be recognised, each with its stack; `patience` and `greeting` are seconds.
    """
    spare: _Heard | None = await _listen(known[0][1].transport, host, port, greeting)
    assert spare is not None
    first = bytes(spare.data[:FIRST])
    candidates = (
        _greeting_like(known, first) if first else [one for one in known if one[1].handshake.speaks_first is Role.INITIATOR]
    )
    tried: list[str] = []
    try:
        while candidates:
            (profile, stack), *candidates = candidates
            tried.append(profile.name)
            target = Target(stack, host, port, spare, thorough, patience)
            spare = None
            if findings := await _looked_at(target):
                return Report(profile, [_graded(one, required) for one in chain(_missing(stack), findings)])
            first = first or target.first
            candidates += [one for one in _greeting_like(known, target.first) if one[0].name not in tried]
    finally:
        if spare:
            spare.stream.close()
    return Report(None, [_graded(_unknown(first, tried), required)])


async def _listen(transport: Transport, host: str, port: int, seconds: float) -> _Heard:
    heard = _Heard(await transport.connect(host, port))
    heard.stream.deliver_to(heard.receive, heard.ended)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await heard.something.wait()
    return heard


def _greeting_like(known: Sequence[Known], first: bytes) -> list[Known]:
    return [
        (profile, stack)
        for profile, stack in known
        if stack.handshake.speaks_first is Role.RESPONDER and profile.greeting and re.match(profile.greeting, first, re.DOTALL)
    ]


async def _looked_at(target: Target) -> list[Finding]:
    """What the handshake finds out; nothing at all where the server does not speak it."""
    findings: list[Finding] = []
    try:
        async for finding in target.stack.handshake.audit(target):
            findings.append(finding)
    except CannotConnect:
        says = "It takes no further connection, so the rest could not be looked at."
        findings.append(Finding(Grade.WARN, "access", says, "A server that goes on listening (`--keep`) can be audited whole."))
    except RemoteError as error:
        if findings:
            findings.append(Finding(Grade.FAIL, "handshake", f"It breaks off: {error.sentence}"))
    return findings


def _missing(stack: Stack) -> list[Finding]:
    """The protections that a stack does not give. Whose key it is, a client can check where one is shown."""
    given = stack.gives | ({Property.PEER_IDENTITY} if Property.PEER_KEY in stack.gives else set())
    return [_lack(prop, "`chat explain` names the layers that give it.") for prop in PROTECTIONS if prop not in given]


def _lack(prop: Property, advice: str) -> Finding:
    lack = MEANINGS[prop].lack
    return Finding(Grade.WARN, "protection", f"No {prop}: {lack}.", advice, lacks=prop)


def _unknown(first: bytes, tried: Sequence[str]) -> Finding:
    if first:
        says = f"It speaks, but like no profile that is installed: {clean(first[:24].decode('latin-1'))!r}."
        return Finding(Grade.FAIL, "handshake", says, "Check the port: is this a chat?")
    says = f"It says nothing by itself and does not answer {' or '.join(tried)}: a plaintext chat, or no chat at all."
    return Finding(Grade.FAIL, "handshake", says, "Run plytalk with its default stack: `chat serve`.", lacks=Property.SECRECY)


def _graded(finding: Finding, required: AbstractSet[Property]) -> Finding:
    if finding.lacks is None:
        return finding
    return replace(finding, grade=Grade.FAIL if finding.lacks in required else Grade.WARN)
