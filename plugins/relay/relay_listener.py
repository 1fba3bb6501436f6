"""The holder's side: a name held at a relay, and a new connection for each joiner that the relay announces."""

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import Awaitable, Callable
from enum import Enum

from plytalk.core.bases.wire_stream import teller
from plytalk.core.contracts.errors import CannotConnect, ChatError
from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.contracts.wire import IN, OUT, WireUnit
from plytalk.core.io.background import Background
from plytalk.plugins.relay import relay_frames as wire
from plytalk.plugins.relay.relay_frames import PING_SECONDS, FrameCutter, RelayReason
from plytalk.plugins.relay.relay_stream import GONE, RelayRefused, RelayStream, key_wanted, refusal
from plytalk.plugins.relay.relay_units import cut_held
from plytalk.trust.identity import OwnIdentity, raw_key

HOLD_SECONDS = 10.0
LONGEST_WAIT = 15.0
"""Seconds between two attempts to hold the name again."""
MAX_WAITING = 1000
"""How many joiners may wait to be answered, and how many to be accepted."""
MAX_ANSWERS = 100
"""How many are answered at a time, each by a connection to the relay."""
NUMBER = re.compile("[1-9][0-9]{0,5}")
"""A number that a relay may give: one of these is what NUMBER@RELAY can name."""

Reach = Callable[[], Awaitable[Stream]]
"""Connects to the relay."""
Note = Callable[[str, bytes], None]
"""Hears which bytes of the relay's protocol went which way."""


class Hold:
    """A connection that holds a name: what the relay says on it."""

    def __init__(self, stream: Stream, note: Note) -> None:
        self._stream, self._cutter, self._note = stream, FrameCutter(), note
        self._frames: deque[bytes] = deque()
        self._over = False
        self._news = asyncio.Event()
        stream.deliver_to(self._take, self._ended)

    def _take(self, data: Buffer) -> None:
        self._note(IN, bytes(data))
        self._cutter.feed(data)
        try:
            self._frames.extend(self._cutter.frames())
        except ChatError:
            self._over = True
        self._news.set()

    def _ended(self, error: Exception | None) -> None:
        self._over = True
        self._news.set()

    def send(self, payload: bytes) -> None:
        data = wire.frame(payload)
        self._note(OUT, data)
        self._stream.send(data)

    async def next(self) -> bytes:
        """The relay's next frame. Raises CannotConnect once it says no, or is gone."""
        while not self._frames:
            if self._over:
                raise CannotConnect(*GONE)
            self._news.clear()
            await self._news.wait()
        payload = self._frames.popleft()
        if payload[:1] == wire.NO:
            raise refusal(payload)
        return payload

    def close(self) -> None:
        self._stream.close()


class ListenerState(Enum):
    """Whether the name is held."""

    HOLDING = "holding"
    AWAY = "away"
    CLOSED = "closed"


class RelayListener(Listener):
    """Holds a name at a relay: the name of `identity`'s key or, with `by_number` or without `identity`, a number from the relay.

    A relay with a list of keys asks for a key even if it gives a number; the listener then proves that it has `identity`.
    If the connection breaks, it connects again and asks for the same number. If that is taken, the relay gives another one, and
    `address` changes. If another server with the same key takes the name over, this one gives it up: otherwise the two would take
    it from each other for ever.
    """

    def __init__(self, reach: Reach, relay: str, host: str, identity: OwnIdentity | None, by_number: bool = False) -> None:
        self._reach, self._relay, self._host, self._identity = reach, relay, host, identity
        self._by_number = by_number or identity is None
        self._tell: Callable[[str], None] = lambda sentence: None
        self._tell_unit: Callable[[str, WireUnit], None] | None = None
        self._note_unit: Note | None = None
        self._passed: list[tuple[str, bytes]] = []  # until a trace can ask
        self._name = ""
        self._arrived: asyncio.Queue[Stream | None] = asyncio.Queue(MAX_WAITING)
        self._answers = Background()
        self._answering = asyncio.Semaphore(MAX_ANSWERS)
        self.state = ListenerState.AWAY

    async def start(self) -> None:
        """Hold the name. Raises CannotConnect."""
        hold = await self._hold()
        self._keeper = asyncio.ensure_future(self._keep(hold))
        self._keeper.add_done_callback(lambda _: hold.close())  # a task that is cancelled before it began closes nothing

    async def _hold(self) -> Hold:
        stream = await self._reach()
        self._begin_trace()
        hold = Hold(stream, self._note)
        try:
            async with asyncio.timeout(HOLD_SECONDS):
                name = await self._named(hold)
        except TimeoutError:
            hold.close()
            raise CannotConnect(f"{self._relay} does not answer as a relay does.", "Check the address.") from None
        except BaseException:
            hold.close()
            raise
        self._name, self.address = name, f"{name}@{self._relay}"
        self.state = ListenerState.HOLDING
        return hold

    def tell_wire(self, tell: Callable[[str, WireUnit], None]) -> None:
        self._tell_unit = tell
        passed, self._passed = self._passed, []
        self._begin_trace()
        for way, data in passed:
            self._note(way, data)

    def _begin_trace(self) -> None:
        """A connection begins, or is told from its beginning."""
        self._note_unit = teller({way: cut_held() for way in (IN, OUT)}, self._tell_unit) if self._tell_unit else None

    def _note(self, way: str, data: bytes) -> None:
        if self._note_unit:
            self._note_unit(way, data)
        elif not self._name:  # a trace asks once the name is held, or never
            self._passed.append((way, data))

    def report(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    async def _named(self, hold: Hold) -> str:
        key = raw_key(self._identity.public) if self._identity else b""
        asked = self._name.encode() if self._by_number else key
        hold.send(wire.MAGIC + wire.HOLD + asked)
        payload = await hold.next()
        if payload[:1] == wire.CHALLENGE and len(payload) == 1 + wire.NONCE:
            if self._identity is None:
                raise key_wanted()
            hold.send(wire.SIGNED + key + self._identity.sign(wire.signed_text(self._host, payload[1:], asked)))
            payload = await hold.next()
        name = payload[1:].decode("ascii", "replace")
        if payload[:1] != wire.OPENED or not self._is_asked_for(name):
            raise CannotConnect(f"{self._relay} does not answer as a relay does.", "Check the address.")
        return name

    def _is_asked_for(self, name: str) -> bool:
        """People paste this name, and one of a key replaces --peer: a relay must not be able to choose it."""
        if self._identity and not self._by_number:
            return name == self._identity.fingerprint
        return bool(NUMBER.fullmatch(name))

    async def _keep(self, hold: Hold) -> None:
        while True:
            pinging = asyncio.ensure_future(self._ping(hold))
            try:
                while True:
                    self._hear(await hold.next())
            except CannotConnect as error:
                self.state = ListenerState.AWAY
                if isinstance(error, RelayRefused) and error.reason == RelayReason.TAKEN:
                    self._tell(f"{error} Nobody can come in here through {self._relay} any more. {error.hint}")
                    return
            finally:
                pinging.cancel()
                hold.close()
            before = self._name
            self._tell(f"The relay {self._relay} is out of reach, and nobody can come in through it. Trying again.")
            hold = await self._again()
            other = "" if self._name == before else f", and gives {self._name}: others hold {before} now"
            self._tell(f"The relay {self._relay} is there again{other}.")

    async def _again(self) -> Hold:
        wait, told = 0.5, ""
        while True:
            try:
                return await self._hold()
            except ChatError as error:
                if isinstance(error, RelayRefused) and error.sentence != told:
                    told = error.sentence
                    self._tell(told)
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)

    @staticmethod
    async def _ping(hold: Hold) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            hold.send(wire.PING)

    def _hear(self, payload: bytes) -> None:
        is_knock = payload[:1] == wire.KNOCK and len(payload) == 1 + wire.TICKET + wire.SOURCE
        if is_knock and len(self._answers.tasks) < MAX_WAITING:
            self._answers.start(self._answer(payload[1 : 1 + wire.TICKET], payload[1 + wire.TICKET :]))

    async def _answer(self, ticket: bytes, source: bytes) -> None:
        with contextlib.suppress(ChatError):  # then the joiner hears it from the relay
            async with self._answering:
                below = await self._reach()
            stream = RelayStream(below, wire.first(wire.ANSWER, ticket), f"{source.hex()}@{self._relay}")
            stream.start()
            try:
                self._arrived.put_nowait(stream)
            except asyncio.QueueFull:
                stream.close()

    async def accept(self) -> Stream:
        stream = await self._arrived.get()
        if stream is None:
            raise CannotConnect("The listener is closed.")
        return stream

    async def close(self) -> None:
        if self.state is ListenerState.CLOSED:
            return
        self.state = ListenerState.CLOSED
        self._keeper.cancel()
        await asyncio.wait({self._keeper})
        await self._answers.stop()
        while not self._arrived.empty():
            if stream := self._arrived.get_nowait():
                stream.close()
        self._arrived.put_nowait(None)
