"""A stream over another stream, with a protocol between them that begins with an opening, such as WebSocket and TLS.

    class Rot13(FilterStream):
        def begin(self): self.write(b"rot13\\n")          # what this side sends first, if anything
        def take(self, data): ...                        # from below: `is_open`, `deliver`, `deliver_end`, `write`, `fail`
        def wrap(self, data): return rot13(data)         # what to send below for this data
        def wrap_end(self): return b"\\0"                 # the end of this direction; the other stays open

If the stream below ends before this one has ended, the connection was cut. `start` begins the opening; data sent before it is
done waits. A server accepts the peer before the opening, so that its admission counts it; see `FilterListener`.
There the openings take turns for the processor.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from enum import Enum
from typing import ClassVar

from plytalk.core.bases.wire_stream import WireStream
from plytalk.core.contracts.errors import ChatError, HandshakeFailed
from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.transport import Stream

UNSENT = 64 * 1024
"""The number of bytes that may wait for the opening before the stream is full."""


class Opening(Enum):
    """The state of a stream's opening."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


class FilterStream(WireStream):
    """A stream over the stream `below`, with the same `peer` unless the opening tells another."""

    what: ClassVar[str] = "its own opening"
    """The name of the protocol, for the error when the other side does not speak it."""
    ends_with_below: ClassVar[bool] = False
    """Whether this stream ends when the stream below ends, as with a relay that forwards raw bytes."""

    def __init__(self, below: Stream) -> None:
        super().__init__(below)
        self.peer = below.peer
        self.opening = Opening.BEGUN
        self._failure: ChatError | None = None
        self._receive: Callable[[Buffer], None] | None = None
        self._on_end: Callable[[Exception | None], None] | None = None
        self._kept, self._unsent = bytearray(), bytearray()  # received and not delivered yet; sent before the opening was done
        self._over: tuple[Exception | None] | None = None
        self._told = self._paused = self._finished = self._closed = False
        self._changed: asyncio.Event | None = None
        self._turn: Callable[[], Awaitable[None]] | None = None
        self._top: FilterStream | None = None  # the highest stream, while the openings take turns
        self._waits: bytes | None = None  # what came in the opening and has not had its turn

    # -- for a subclass to define -----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Send what this side sends first, with `write`."""

    @abstractmethod
    def take(self, data: bytes) -> None:
        """Take bytes from the stream below. Raises a ChatError if they are not valid."""

    @abstractmethod
    def wrap(self, data: bytes) -> bytes:
        """Return what to send below for this data, after the opening."""

    @abstractmethod
    def wrap_end(self) -> bytes:
        """Return what tells the other side that this side sends no more."""

    def ended_early(self) -> ChatError:
        """Return the error for a stream below that ends during the opening."""
        sentence = f"The other side closed the connection instead of speaking {self.what}."
        return HandshakeFailed(sentence, "Check the address, and that both sides have the same transport.")

    def last_word(self) -> bytes:
        """Return what to send below, after the end, when this side closes."""
        return b""

    # -- for a subclass to call -------------------------------------------------------------------------------------------

    def is_open(self) -> None:
        """Deliver and send from now on: the opening is done."""
        self.opening = Opening.DONE
        if self._unsent:
            unsent, self._unsent = bytes(self._unsent), bytearray()
            self.write(self.wrap(unsent))
        if self._finished:
            self._send_end()
        if self._paused:
            self.below.pause()
        self._wake()

    def deliver(self, data: bytes) -> None:
        """Deliver bytes to the receiver."""
        if self._receive and not self._paused and not self._kept:
            self._receive(data)
        else:
            self._kept += data
            self.below.pause()

    def deliver_end(self) -> None:
        """Deliver the end: the other side has said that it sends no more."""
        self._end(None)

    def fail(self, error: Exception) -> None:
        """End the stream: what was received is not valid."""
        if self.opening is Opening.BEGUN:
            self.opening = Opening.FAILED
            self._failure = (
                error if isinstance(error, ChatError) else HandshakeFailed(f"The other side does not speak {self.what}.")
            )
        self._end(error)
        self.below.close()
        self._wake()

    # -- called by the stream below ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin the opening, first that of the stream below if it has not been opened. Called once."""
        if isinstance(self.below, FilterStream):
            self.below.is_below = True
        if isinstance(self.below, FilterStream) and self.below.opening is Opening.BEGUN:
            self.below.start()
        self.begin()  # first: the stream below delivers at once what it has already read
        self.below.deliver_to(self._take, self._below_ends)

    def take_turns(self, turn: Callable[[], Awaitable[None]] | None) -> None:
        """Wait for `turn` before each step of the opening, here and below; None ends that. `opened` must be awaited, too."""
        self._turn = turn
        for one in self._with_all_below():
            one._top = self if turn else None

    def _with_all_below(self) -> Iterator["FilterStream"]:
        below: Stream = self
        while isinstance(below, FilterStream):
            yield below
            below = below.below

    def _take(self, data: Buffer) -> None:
        if self._closed or self.opening is Opening.FAILED:
            return
        self._waits = (self._waits or b"") + self.hear(data)
        if self.opening is Opening.BEGUN and (top := self._top):
            self.below.pause()
            top._wake()
        else:
            self._take_what_waits()

    def _take_what_waits(self) -> bool:
        """Process the bytes that wait. Return whether the stream is still usable."""
        came, self._waits = self._waits, None
        if came is not None and not self._closed:
            try:
                self.take(came)
            except Exception as error:
                self.fail(error)
        return not self._closed and self.opening is not Opening.FAILED

    def _below_ends(self, error: Exception | None) -> None:
        self._take_what_waits()
        self._below_ended(error)

    def _below_ended(self, error: Exception | None) -> None:
        if self.opening is Opening.BEGUN and isinstance(error, ChatError):  # the opening of the stream below failed
            self.fail(error)
        elif self.opening is Opening.BEGUN:
            self.fail(self.ended_early())
        elif self.ends_with_below:
            self._end(error)
        elif error or self._over is None:
            self._end(error or ConnectionAbortedError(f"it ended without the end that {self.what} has"))

    # -- called by the connection -----------------------------------------------------------------------------------------

    async def opened(self) -> None:
        """Wait until the opening is done. Raises a ChatError if it fails."""
        try:
            while self.opening is Opening.BEGUN and not self._closed:
                waiting = next((one for one in self._with_all_below() if one._waits is not None), None)
                await (self._turn() if waiting and self._turn else self._change())
                if waiting and waiting._take_what_waits():
                    waiting._go_on()
        finally:
            self.take_turns(None)
        if self.opening is not Opening.DONE:
            raise self._failure or HandshakeFailed("The connection was closed before it was open.")

    def deliver_to(self, receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
        self._receive, self._on_end, self._told = receive, ended, False
        if not self.is_below:
            self.forget_wire()
        self._go_on()

    def send(self, data: bytes) -> None:
        if self._finished or self._closed or not data:
            return
        if self.opening is Opening.DONE:
            self.write(self.wrap(data))
        else:
            self._unsent += data

    @property
    def full(self) -> bool:  # type: ignore[override]
        return len(self._unsent) > UNSENT or self.below.full

    @property
    def buffered(self) -> int:
        return len(self._unsent) + self.below.buffered

    @property
    def undelivered(self) -> int:
        return len(self._unsent) + self.below.undelivered

    async def drained(self) -> None:
        while len(self._unsent) > UNSENT and not self._closed:
            await self._change()
        await self.below.drained()

    def pause(self) -> None:
        self._paused = True
        if self.opening is Opening.DONE:
            self.below.pause()

    def resume(self) -> None:
        if self._paused and not self._closed:
            self._paused = False
            self._go_on()

    def finish(self) -> None:
        if not self._finished and not self._closed:
            self._finished = True
            if self.opening is Opening.DONE:
                self._send_end()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self.opening is Opening.DONE:
            self.write((b"" if self._finished else self.wrap_end()) + self.last_word())
        self.below.close()
        self.take_turns(None)
        self._receive = self._on_end = None  # they refer to the conversation, which refers to this stream
        self._kept, self._unsent = bytearray(), bytearray()
        self._wake()

    def reset(self) -> None:
        self.below.reset()
        self.close()

    # -- inside -----------------------------------------------------------------------------------------------------------

    def _send_end(self) -> None:
        self.write(self.wrap_end())
        if self.ends_with_below:
            self.below.finish()

    def _go_on(self) -> None:
        """Deliver what was kept, then the end if it has come; otherwise resume the stream below."""
        while self._kept and self._receive and not self._paused:
            kept, self._kept = bytes(self._kept), bytearray()
            self._receive(kept)
        if self._over:
            self._tell_end()
        elif not self._kept and not self._paused:
            self.below.resume()

    def _end(self, error: Exception | None) -> None:
        if self._over is None or (error and self._over == (None,)):  # it may break after its end, while this side still sends
            self._over, self._told = (error,), False
            self._tell_end()

    def _tell_end(self) -> None:
        if self._told or not self._over or not self._receive or not self._on_end:
            return
        (error,) = self._over
        if self._kept:
            if error is None:  # after what was kept
                return
            kept, self._kept = bytes(self._kept), bytearray()
            self._receive(kept)
        self._told = True
        self._on_end(error)

    async def _change(self) -> None:
        self._changed = self._changed or asyncio.Event()
        self._changed.clear()
        await self._changed.wait()

    def _wake(self) -> None:
        if self._changed:
            self._changed.set()
