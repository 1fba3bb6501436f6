"""A stream over another one: what a subclass makes of the bytes, behind its opening, as WebSocket and TLS have one.

    class Rot13(FilterStream):
        def begin(self): self.write(b"rot13\\n")          # what this side says first; nothing, where the other one begins
        def take(self, data): ...                        # from below: `is_open`, `deliver`, `deliver_end`, `write`, `fail`
        def wrap(self, data): return rot13(data)         # what goes out below for these bytes
        def wrap_end(self): return b"\\0"                 # what says that no more comes; the other direction stays open

An end below without the end of this stream is a cut. The opening begins when `start` is called; what is sent before it is done
waits. A server hands the peer on at once, so that its admission counts the opening; see `FilterListener` and `opened_client`.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from enum import Enum
from typing import ClassVar, TypeVar

from plytalk.core.bases.wire_stream import WireStream
from plytalk.core.contracts.errors import CannotConnect, ChatError, HandshakeFailed
from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.transport import Listener, Stream

UNSENT = 64 * 1024
"""How many bytes may wait for the opening before the stream is full."""


class Opening(Enum):
    """How far the opening of a stream has come."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


class FilterStream(WireStream):
    """Bytes in, bytes out, over the stream `below`. `peer` is that of the stream below, unless the opening says more."""

    what: ClassVar[str] = "its own opening"
    """What the other side must speak, for the sentence that says that it does not."""
    ends_with_below: ClassVar[bool] = False
    """Whether the end of the stream below is its end, as behind a relay that passes on raw bytes."""

    def __init__(self, below: Stream) -> None:
        super().__init__(below)
        self.peer = below.peer
        self.opening = Opening.BEGUN
        self._failure: ChatError | None = None
        self._receive: Callable[[Buffer], None] | None = None
        self._on_end: Callable[[Exception | None], None] | None = None
        self._kept, self._unsent = bytearray(), bytearray()  # came and is not delivered; was said before the opening was done
        self._over: tuple[Exception | None] | None = None
        self._told = self._paused = self._finished = self._closed = False
        self._changed: asyncio.Event | None = None

    # -- what a subclass says ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Say what this side says first, with `write`."""

    @abstractmethod
    def take(self, data: bytes) -> None:
        """These bytes came from below. Raises what is wrong with them."""

    @abstractmethod
    def wrap(self, data: bytes) -> bytes:
        """What goes out below for these bytes, once the opening is done."""

    @abstractmethod
    def wrap_end(self) -> bytes:
        """What says that no more comes from this side."""

    def ended_early(self) -> ChatError:
        """What it means that the stream below ends in the opening."""
        sentence = f"The other side closed the connection instead of speaking {self.what}."
        return HandshakeFailed(sentence, "Check the address, and that both sides have the same transport.")

    def last_word(self) -> bytes:
        """What goes out below, behind the end, when this side closes."""
        return b""

    # -- what a subclass calls --------------------------------------------------------------------------------------------

    def is_open(self) -> None:
        """The opening is done."""
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
        """These bytes are for the receiver."""
        if self._receive and not self._paused and not self._kept:
            self._receive(data)
        else:
            self._kept += data
            self.below.pause()

    def deliver_end(self) -> None:
        """The other side has said that no more comes from it."""
        self._end(None)

    def fail(self, error: Exception) -> None:
        """What came cannot be right: the stream ends here."""
        if self.opening is Opening.BEGUN:
            self.opening = Opening.FAILED
            self._failure = (
                error if isinstance(error, ChatError) else HandshakeFailed(f"The other side does not speak {self.what}.")
            )
        self._end(error)
        self.below.close()
        self._wake()

    # -- what the stream below calls --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin the opening, below first, where that has not been opened before. Called once."""
        if isinstance(self.below, FilterStream):
            self.below.is_below = True
        if isinstance(self.below, FilterStream) and self.below.opening is Opening.BEGUN:
            self.below.start()
        self.begin()  # first: the stream below hands on at once what it has read already
        self.below.deliver_to(self._take, self._below_ended)

    def _take(self, data: Buffer) -> None:
        if self._closed or self.opening is Opening.FAILED:
            return
        try:
            self.take(self.hear(data))
        except Exception as error:
            self.fail(error)

    def _below_ended(self, error: Exception | None) -> None:
        if self.opening is Opening.BEGUN and isinstance(error, ChatError):  # what is wrong with the opening below
            self.fail(error)
        elif self.opening is Opening.BEGUN:
            self.fail(self.ended_early())
        elif self.ends_with_below:
            self._end(error)
        elif error or self._over is None:
            self._end(error or ConnectionAbortedError(f"it ended without the end that {self.what} has"))

    # -- what a connection calls ------------------------------------------------------------------------------------------

    async def opened(self) -> None:
        """Wait until the opening is done. Raises what went wrong in it, as a ChatError."""
        while self.opening is Opening.BEGUN and not self._closed:
            await self._change()
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
        self._receive = self._on_end = None  # they refer to the conversation, which refers to this
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
        """Deliver what was kept, then the end if it has come; else have the stream below go on."""
        while self._kept and self._receive and not self._paused:
            kept, self._kept = bytes(self._kept), bytearray()
            self._receive(kept)
        if self._over:
            self._tell_end()
        elif not self._kept and not self._paused:
            self.below.resume()

    def _end(self, error: Exception | None) -> None:
        if self._over is None or (error and self._over == (None,)):  # it may break after its end, while we still send
            self._over, self._told = (error,), False
            self._tell_end()

    def _tell_end(self) -> None:
        if self._told or not self._over or not self._receive or not self._on_end:
            return
        (error,) = self._over
        if self._kept:
            if error is None:  # once what was kept has been taken
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


F = TypeVar("F", bound=FilterStream)


async def opened_client(stream: F, seconds: float) -> F:
    """A client's stream, once its opening is done. Raises CannotConnect where that takes too long, and what goes wrong in it."""
    stream.start()
    try:
        async with asyncio.timeout(seconds):
            await stream.opened()
    except TimeoutError:
        stream.close()
        raise CannotConnect(
            f"{stream.peer} did not answer within {seconds:g} seconds.", f"Check that it speaks {stream.what}."
        ) from None
    except BaseException:
        stream.close()
        raise
    return stream


class FilterListener(Listener):
    """The listener of a transport over another: each peer that arrives below comes through what `make` makes of its stream."""

    def __init__(self, below: Listener, make: Callable[[Stream], FilterStream]) -> None:
        self._below, self._make = below, make
        self.address = below.address

    def screen(self, refuses: Callable[[str], bool]) -> None:
        self._below.screen(refuses)

    async def accept(self) -> Stream:
        stream = self._make(await self._below.accept())
        stream.start()
        return stream

    async def close(self) -> None:
        await self._below.close()
