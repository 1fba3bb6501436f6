"""One connection: a stack over a stream, from bytes to items and back. The path of the bytes, from top to bottom:

    in:   stream -> framer.feed, framer.frames -> cipher.open -> messages.unpack -> receiver    (`_receive`)
    out:  send -> messages.pack -> cipher.seal -> framer.encode -> stream.send                  (`flush`)

What comes in one read, and what is sent in one turn of the loop, goes through each layer as one batch (see batches.py). A
connection is opened once and started once, with its receiver. After that it is driven by what arrives and by `send`.
"""

import asyncio
from collections.abc import Iterator, Sequence
from enum import Enum
from operator import countOf, length_hint

from plytalk.core.contracts.checked_calls import checked
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.items import Item
from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.meter import Meter
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.transport import Stream
from plytalk.core.pipeline.batches import Batch, decode, encode_batch, send_pieces
from plytalk.core.pipeline.establish import NO_CALLBACKS, Admit, Establishment, OpeningCallbacks, admit_everybody
from plytalk.core.pipeline.handshake_io import FIRST, MESSAGE, FrameHandshakeIO
from plytalk.core.pipeline.item_receiver import ItemReceiver
from plytalk.core.pipeline.pieces import Pieces
from plytalk.core.pipeline.tracing import Trace, Tracer
from plytalk.core.stack.selection import Stack

ITEM_KEPT = 96
"""A waiting item of a record counts as at least this many bytes: a short text takes more memory than its length."""


class Reading(Enum):
    """What happens to bytes that arrive.

    OPEN --stop_reading--> STOPPED --read_on--> OPEN;  either --ignore_rest or forget--> OVER
    """

    OPEN = "read"
    STOPPED = "kept"
    OVER = "dropped"


class Connection:
    """One stack over one stream."""

    # A server has thousands of idle ones, so each holds only what it needs.
    __slots__ = (
        "_admit", "_batches", "_boundaries", "_end_waits", "_flush_follows", "_io", "_item_kept", "_loop",
        "_receiver", "_rest", "_unread", "_waiting", "address", "approved", "arrived", "cipher", "framer", "identity", "limits",
        "messages", "meter", "pending", "pieces", "reading", "role", "stack", "stream", "tracer",
    )  # fmt: skip

    def __init__(
        self,
        stack: Stack,
        stream: Stream,
        role: Role,
        *,
        address: str = "",
        limits: Limits | None = None,
        trace: Trace | None = None,
        group: str = "",
        admit: Admit = admit_everybody,
    ) -> None:
        """`admit` is the server's final check of the client's identity; `group` tells connections apart in a trace."""
        self.stack, self.stream, self.role = stack, stream, role
        self.address = address or stream.peer
        self.limits = limits or Limits()
        self.tracer = Tracer(trace, group) if trace else None
        if self.tracer:
            self.stream = self.tracer.wrap_stream(stream)
        self.identity: Identity | None = None
        self.approved = False  # whether the other side's key was accepted, even if the opening failed after that
        self.cipher: Cipher
        self.framer: Framer
        self.messages: Messages
        self._boundaries = Property.BOUNDARIES in stack.framer.gives
        self._admit = admit
        self._io: FrameHandshakeIO | None = None
        self._loop = asyncio.get_running_loop()
        self._receiver: ItemReceiver | None = None
        self.meter: Meter | None = None  # counts what arrives before the receiver gets it
        self.reading, self._item_kept, self.arrived = Reading.OPEN, ITEM_KEPT, 0  # `arrived` counts bytes that were read
        # What has arrived and is not delivered yet, in this order:
        self._rest: Iterator[Item] | None = None  # items of the record in which reading was stopped
        self._waiting: list[bytes] = []  # the other records of its batch, the next one last
        self._batches: Iterator[Batch] | None = None  # decodes the bytes in the framer
        self._unread = b""  # bytes that the stream delivered after it was told to pause
        self._end_waits: tuple[Exception | None] | None = None  # the stream's end, with the error that broke it
        self._flush_follows = True  # at the end of this turn of the loop, of a read, or of `start`
        self.pending: list[Item] = []  # sent at the next `flush`
        self.pieces: Pieces | None = None

    async def open(self, callbacks: OpeningCallbacks = NO_CALLBACKS) -> None:
        """Do the handshake and let the authenticators judge. Raises ChatError; the stream is closed then."""
        if self.tracer:
            self.tracer.tell_start(self.stack, self.role, self.stream.peer)
        opening = Establishment(
            self.stack, self.stream, self.role, self.address, self.limits, self.tracer, self._admit, callbacks
        )
        try:
            opened = await opening.run()
        except BaseException as error:
            if self.tracer:
                self.tracer.tell("failed", str(error))
            self.approved = opening.approved
            self.close()
            raise
        finally:
            self._admit = admit_everybody  # it refers back to the server
        self.identity, self._io = opened.identity, opened.io
        self._rest = iter(opened.items) if opened.items else None
        self.framer, self.cipher, self.messages = opened.framer, opened.cipher, opened.messages
        self.framer.limit = self.limits.message + self.cipher.overhead

    def start(self, receiver: ItemReceiver) -> None:
        """Deliver what has arrived after the handshake, and from now on everything that arrives. Call this once."""
        self._receiver = receiver
        io, self._io = self._io, None  # frees everything that the handshake needed
        assert io is not None
        if io.has_received and not io.took:  # no handshake has read it
            self._refuse_other_stack(io.first)
        self._receive(b"")  # first, since a stream that has ended says so at once
        self.stream.deliver_to(self._receive if io.has_received else self._receive_first, self._ended)
        if self.reading is Reading.OPEN:
            self.stream.resume()
        if io.over:
            self._ended(io.error)

    # -- in ---------------------------------------------------------------------------------------------------------------

    def _receive_first(self, data: Buffer) -> None:
        """Take the first bytes, if no handshake has read any."""
        self.stream.deliver_to(self._receive, self._ended)
        self._refuse_other_stack(bytes(data[:FIRST]))
        self._receive(data)

    def _refuse_other_stack(self, first: bytes) -> None:
        """Fail if the first bytes are those of another stack, such as a handshake where this side has none."""
        if mismatch := self.stack.mismatch(first):
            self.fail(mismatch)

    def _receive(self, data: Buffer) -> None:
        """Deliver what was kept and what has arrived, until nothing is left or reading is stopped."""
        if self.reading is not Reading.OPEN or (data and self._batches is not None):
            if self.reading is not Reading.OVER:  # a stream may deliver what it has read already
                self._unread += bytes(data)
            return
        receiver = self._receiver
        assert receiver is not None
        self._flush_follows = True
        self.arrived += len(data)
        try:
            if self._rest is not None:
                rest, self._rest = self._rest, None
                self._rest = receiver.receive(rest)
                if self.reading is not Reading.OPEN:
                    return
            if self._batches is None:
                self.framer.feed(data)
                self._batches = decode(self.framer, self.cipher, self.messages, receiver.skipped, self._waiting)
            for items, size, records in self._batches:
                if self.meter is not None:
                    items = items if items.__class__ is list else list(items)
                    self.meter.records(records, size, len(items))
                self._rest = receiver.receive(items)
                if self.reading is not Reading.OPEN:
                    self._item_kept = max(ITEM_KEPT, size // max(1, length_hint(items)))
                    return
            self._batches = None
        except BaseException as error:
            let_through(error)
            self._batches = None
            receiver.fail(error)
        finally:
            if self.meter is not None:
                self.meter.kept(self.unfinished)
            self._flush_follows = False
            if self.pending:
                self.flush()

    def stop_reading(self) -> None:
        """Deliver nothing more until `read_on`, not even from the record that is being read: the rest of it is kept."""
        if self.reading is Reading.OPEN:
            self.reading = Reading.STOPPED
            self.stream.pause()

    def read_on(self, soon: bool = False) -> None:
        """Deliver what was kept (in the next turn of the loop if `soon`), and then what arrives, until reading is stopped."""
        if self.reading is Reading.STOPPED:
            self.reading = Reading.OPEN
            self._loop.call_soon(self._read_kept) if soon else self._read_kept()

    def _read_kept(self) -> None:
        self._receive(b"")
        while self._unread and self.reading is Reading.OPEN:
            unread, self._unread = self._unread, b""
            self._receive(unread)
        if self.reading is Reading.OPEN:
            self.stream.resume()
            self._tell_end()

    def ignore_rest(self) -> None:
        """Drop what was kept, and deliver nothing more."""
        self.reading = Reading.OVER
        self._rest = self._batches = None
        self._waiting, self._unread = [], b""
        self.framer, self.messages = self.stack.framer(), self.stack.messages()

    @property
    def unfinished(self) -> int:
        """The bytes kept of what has arrived and is not delivered: of frames, of a message, and of waiting items."""
        waiting = length_hint(self._rest) * self._item_kept if self._rest is not None else 0
        return self.messages.unfinished + self.framer.unfinished + len(self._unread) + sum(map(len, self._waiting)) + waiting

    def _ended(self, error: Exception | None) -> None:
        self._end_waits = (error,)
        if self.reading is not Reading.STOPPED:
            self._tell_end()
        elif error is not None:  # what came before the end is still kept, but after a cut not for long
            self._loop.call_later(self.limits.goodbye, self._tell_end)

    def _tell_end(self) -> None:
        if self._end_waits and self._receiver:
            (error,), self._end_waits = self._end_waits, None
            self._receiver.ended(error)

    # -- out --------------------------------------------------------------------------------------------------------------

    def send(self, item: Item) -> None:
        """Send an item, in order, at the end of this turn of the loop, together with everything else sent in it."""
        if not self._flush_follows:
            self._flush_follows = True
            self._loop.call_soon(self.flush)
        self.pending.append(item)

    def drop_pending(self) -> None:
        """Drop the items that wait for the end of this turn."""
        self.pending.clear()

    def flush(self, packed: Sequence[bytes] = ()) -> None:
        """Send now the items that wait for the end of this turn, and then plaintexts that are `packed` already."""
        items, self.pending, self._flush_follows = self.pending, [], False
        if not items and not packed:
            return
        try:
            plaintexts = [*(self.messages.pack(items) if items else ()), *packed]
            if not plaintexts:  # the messages made nothing of the items
                return
            if len(plaintexts) == 1:  # a single message needs no lists
                frame = self.framer.encode(MESSAGE, self.cipher.seal(plaintexts[0]))
                if self.pieces is not None:
                    self.pieces.append((countOf(map(type, items), str), len(frame)))
                self.stream.send(frame)
                return
            frames = encode_batch(self.framer, self.cipher, plaintexts)
            if self.pieces is not None:
                self.pieces.append((countOf(map(type, items), str), sum(map(len, frames))))
            if self._boundaries:
                send_pieces(self.stream, frames)
            else:  # one write is one message
                for frame in frames:
                    self.stream.send(frame)
        except BaseException as error:
            let_through(error)
            self.fail(error)

    # -- the end ----------------------------------------------------------------------------------------------------------

    def fail(self, error: BaseException) -> None:
        """Tell the receiver what a layer raised."""
        if self._receiver:
            self._receiver.fail(error)

    def close(self) -> None:
        """Close the stream, and drop the keys and everything that refers back to this connection.

        A reference cycle would keep it until Python searches for cycles, which a busy server rarely does.
        """
        self.stream.close()
        self.reading = Reading.OVER
        self._receiver = self.meter = self._io = self._rest = self._batches = None
        self.pending.clear()
        if hasattr(self, "cipher"):  # it has opened
            checked(self.cipher, "forget", object)
