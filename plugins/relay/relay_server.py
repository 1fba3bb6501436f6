"""The relay: `chat relay`. It brings a joiner to the holder of a name, and passes on bytes that it cannot read.

    NEW -> HOLDING                      (by way of CHALLENGED if it gave a key, or if the relay has a list of keys)
    NEW -> WAITING -> PAIRED            a joiner, until the holder answers
    NEW -> PAIRED                       the holder's answer

It keeps no address (`relay_sources.py`) and logs nothing; what it counts is in `figures`.
"""

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from secrets import token_bytes

from plytalk.core.bases.wire_stream import WireStream
from plytalk.core.contracts.errors import CannotConnect, ChatError, RemoteError
from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.optional import Opens
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.endpoints.admission import CountedSource, Newcomers
from plytalk.core.io.background import Background
from plytalk.plugins.relay import relay_frames as wire
from plytalk.plugins.relay.relay_caller import Caller, CallerState, RelayFigures, RelayLimits
from plytalk.plugins.relay.relay_frames import PING_SECONDS, RelayReason
from plytalk.plugins.relay.relay_names import NUMBER, free_number, proven_name
from plytalk.plugins.relay.relay_sources import RelaySources

FIRST_SECONDS = 10.0
"""How long a connection may take for its first frame, a holder for its signature, and a joiner's holder for its answer."""
SILENT_SECONDS = 90.0
"""After how long without a frame a holder counts as gone."""
MOST_PINGS = 10
"""How many pings a holder may send between two of ours: each costs work, and one comes every 25 seconds."""
LINGER_SECONDS = 60.0
"""How long what was said last may take to go out, once both sides have ended."""


class Relay:
    """`names` are the hosts by which people type this relay; `allowed` the fingerprints that may hold a name, None for all."""

    def __init__(
        self,
        names: Collection[str],
        allowed: Collection[str] | None = None,
        limits: RelayLimits = RelayLimits(),  # noqa: B008 - it is frozen
    ) -> None:
        self._names, self.allowed, self.limits = names, allowed, limits
        self._sources = RelaySources(limits.joins_a_minute, 10 * limits.holds)
        self.holders: dict[str, Caller] = {}
        self._waiting: dict[bytes, Caller] = {}
        self._unopened = Newcomers[Caller, bytes]()
        self._joiners = CountedSource[Caller, bytes]()  # those that wait, and those of pairs
        self._holds = CountedSource[Caller, bytes]()
        self.figures = RelayFigures()
        self._background = Background()
        self._callers: set[Caller] = set()

    @property
    def waiting(self) -> int:
        """Joiners whose holder has not answered yet."""
        return len(self._waiting)

    @property
    def unopened(self) -> int:
        """Connections that have not said yet what they want."""
        return len(self._unopened)

    async def serve(self, *listeners: Listener) -> None:
        """Take callers until cancelled; then close all connections."""
        pinging = asyncio.ensure_future(self._ping())
        try:
            await asyncio.gather(*map(self._accept, listeners))
        finally:
            pinging.cancel()
            for listener in listeners:
                await listener.close()
            for caller in tuple(self._callers):
                self._close(caller)

    async def _accept(self, listener: Listener) -> None:
        with suppress(CannotConnect):  # the listener was closed
            while True:
                self.arrive(await listener.accept())

    def arrive(self, stream: Stream) -> None:
        """A new connection. Where all places are taken, the oldest of the source that has most gives way."""
        if len(self._unopened) >= self.limits.unopened:
            self.figures.evicted += 1
            self._close(self._unopened.giving_way())
        caller = Caller(stream, self._sources.tag(stream.peer))
        self._callers.add(caller)
        self._unopened.add(caller, caller.source)
        caller.timer = self._later(caller)
        if isinstance(stream, Opens):
            if isinstance(stream, WireStream):
                stream.when_heard(partial(self._unopened.hear, caller))
            self._background.start(self._open(caller, stream))
        else:
            self._hear(caller)

    async def _open(self, caller: Caller, stream: Opens) -> None:
        """Wait for a WebSocket's opening. Only then is it known whom it counts for, behind a web server."""
        try:
            await stream.opened()
        except ChatError:
            self._close(caller)
        if self._unopened.remove(caller) is not None:
            caller.source = self._sources.tag(caller.stream.peer)
            self._unopened.add(caller, caller.source)
            self._unopened.hear(caller)
            self._hear(caller)

    def _hear(self, caller: Caller) -> None:
        caller.stream.deliver_to(lambda data: self._take(caller, data), lambda error: self._ended(caller, error))

    def _later(self, caller: Caller) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(FIRST_SECONDS, self._refuse, caller, RelayReason.NOBODY)

    # -- what a caller says -------------------------------------------------------------------------------------------------

    def _take(self, caller: Caller, data: Buffer) -> None:
        if caller.partner:
            self._pass_on(caller, data)
            return
        caller.cutter.feed(data)
        try:
            for payload in caller.cutter.frames():
                self._handle(caller, payload)
                if caller.state in {CallerState.WAITING, CallerState.PAIRED, CallerState.CLOSED}:
                    return
        except RemoteError:
            self._refuse(caller, RelayReason.MALFORMED)

    def _handle(self, caller: Caller, payload: bytes) -> None:
        kind, rest = payload[:1], payload[1:]
        match caller.state:
            case CallerState.NEW if payload.startswith(wire.MAGIC):
                asked = payload[len(wire.MAGIC) :]
                self._begin(caller, asked[:1], asked[1:])
            case CallerState.CHALLENGED if kind == wire.SIGNED and len(rest) == wire.KEY + wire.SIGNATURE:
                self._signed(caller, rest[: wire.KEY], rest[wire.KEY :])
            case CallerState.HOLDING if payload == wire.PING and caller.pings < MOST_PINGS:
                caller.heard, caller.pings = time.monotonic(), caller.pings + 1
            case _:
                self._refuse(caller, RelayReason.MALFORMED)

    def _begin(self, caller: Caller, kind: bytes, rest: bytes) -> None:
        again = rest.decode("ascii", "replace")
        is_number = not rest or NUMBER.fullmatch(again)
        if kind == wire.HOLD and is_number and self.allowed is None:
            self._hold(caller, free_number(self.holders, again))
        elif kind == wire.HOLD and (is_number or len(rest) == wire.KEY):
            caller.state, caller.asked, caller.nonce = CallerState.CHALLENGED, rest, token_bytes(wire.NONCE)
            caller.stream.send(wire.frame(wire.CHALLENGE + caller.nonce))
        elif kind == wire.JOIN and 0 < len(rest) <= wire.MAX_NAME:
            self._join(caller, rest.decode("ascii", "replace"))
        elif kind == wire.ANSWER and len(rest) == wire.TICKET:
            self._answer(caller, rest)
        else:
            self._refuse(caller, RelayReason.MALFORMED)

    def _signed(self, caller: Caller, key: bytes, signature: bytes) -> None:
        name = proven_name(key, signature, caller.nonce, caller.asked, self._names)
        if not name or (self.allowed is not None and name not in self.allowed):
            self._refuse(caller, RelayReason.NOT_ADMITTED)
            return
        if len(caller.asked) != wire.KEY:
            name = free_number(self.holders, caller.asked.decode())
        elif earlier := self.holders.get(name):  # the same key: mostly a restart, whose old connection has not broken yet
            self._refuse(earlier, RelayReason.TAKEN)
        self._hold(caller, name)

    def _hold(self, caller: Caller, name: str) -> None:
        if len(self.holders) >= self.limits.holds:
            self._refuse(caller, RelayReason.FULL)
        elif self._holds.counts[caller.source] >= self.limits.holds_of_source:
            self._refuse(caller, RelayReason.TOO_OFTEN)
        else:
            self._opened(caller)
            self._holds.add(caller, caller.source)
            caller.state, caller.name, caller.heard = CallerState.HOLDING, name, time.monotonic()
            self.holders[name] = caller
            caller.stream.send(wire.frame(wire.OPENED + name.encode()))

    def _join(self, caller: Caller, name: str) -> None:
        holder, free = self.holders.get(name), self.limits.pairs - len(self._joiners)
        if not self._sources.may_join(caller.source):
            self._refuse(caller, RelayReason.TOO_OFTEN)
        elif holder is None or holder.stream.buffered > self.limits.unread:
            self._refuse(caller, RelayReason.NOBODY)
        elif self._joiners.counts[caller.source] >= free:  # a source gets half of what the others leave
            self._refuse(caller, RelayReason.TOO_OFTEN if free else RelayReason.FULL)
        else:
            self._opened(caller)
            self._joiners.add(caller, caller.source)
            caller.state, caller.ticket = CallerState.WAITING, token_bytes(wire.TICKET)
            caller.stream.pause()  # what it says already waits in its own buffers
            self._waiting[caller.ticket] = caller
            caller.timer = self._later(caller)
            holder.stream.send(wire.frame(wire.KNOCK + caller.ticket + self._sources.tag(caller.stream.peer, name)))

    def _answer(self, caller: Caller, ticket: bytes) -> None:
        if (joiner := self._waiting.pop(ticket, None)) is None:
            self._refuse(caller, RelayReason.NOBODY)
            return
        self._opened(caller)
        self._stop_timer(joiner)
        self.figures.pairs += 1
        self.figures.paired += 1
        for one, other in ((caller, joiner), (joiner, caller)):
            one.state, one.partner = CallerState.PAIRED, other
            one.stream.send(wire.frame(wire.GO))
        for one in (caller, joiner):
            if rest := bytes(one.cutter.rest):
                one.cutter.rest.clear()
                self._pass_on(one, rest)
        joiner.stream.resume()

    # -- what is passed on -----------------------------------------------------------------------------------------------------

    def _pass_on(self, sender: Caller, data: Buffer) -> None:
        assert sender.partner is not None
        receiver = sender.partner.stream
        self.figures.bytes += len(data)
        receiver.send(bytes(data))
        if receiver.full:
            sender.stream.pause()
            self._background.start(self._resume(sender, receiver))

    @staticmethod
    async def _resume(sender: Caller, receiver: Stream) -> None:
        await receiver.drained()
        sender.stream.resume()

    def _ended(self, caller: Caller, error: Exception | None) -> None:
        """A half-close is passed on; a cut ends both."""
        if error or (partner := caller.partner) is None:
            self._close(caller)
            return
        caller.finished = True
        partner.stream.finish()
        if partner.finished:
            self._background.start(self._linger(caller, partner))

    async def _linger(self, caller: Caller, partner: Caller) -> None:
        """Close both once what was said last has gone out."""
        end = time.monotonic() + LINGER_SECONDS
        while (caller.stream.buffered or partner.stream.buffered) and time.monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        self._close(caller)

    # -- the end ---------------------------------------------------------------------------------------------------------------

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            now = time.monotonic()
            for holder in tuple(self.holders.values()):
                if now - holder.heard > SILENT_SECONDS:
                    self._close(holder)
                else:
                    holder.pings = 0
                    holder.stream.send(wire.frame(wire.PING))

    def _opened(self, caller: Caller) -> None:
        self._unopened.remove(caller)
        self._stop_timer(caller)

    @staticmethod
    def _stop_timer(caller: Caller) -> None:
        if caller.timer:
            caller.timer.cancel()
            caller.timer = None

    def _refuse(self, caller: Caller, reason: RelayReason) -> None:
        if caller.state is CallerState.CLOSED:
            return
        self.figures.refused[reason] += 1
        caller.stream.send(wire.no(reason))
        self._close(caller)

    def _close(self, caller: Caller) -> None:
        if caller.state is CallerState.CLOSED:
            return
        caller.state = CallerState.CLOSED
        self._opened(caller)
        self._callers.discard(caller)
        self.holders.pop(caller.name, None)
        self._waiting.pop(caller.ticket, None)
        self._holds.remove(caller)
        self._joiners.remove(caller)
        partner, caller.partner = caller.partner, None
        caller.stream.close()
        if partner and partner.state is not CallerState.CLOSED:
            self.figures.pairs -= 1
            partner.partner = None
            self._close(partner)
