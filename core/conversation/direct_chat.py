"""One conversation over one connection: what is said and heard, what counts as received, and how it ends.

It is driven by what the connection hands over and by `say`, and ends once, with an `Ending`. Whatever goes wrong, the peer sees
the same thing: the connection closes.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from plytalk.core.contracts.endings import NOT_LET_IN, EndedBy, Ending, ending_by_peer, unheard
from plytalk.core.contracts.errors import BrokenPlugin, ChatError, StackMismatch, Truncated
from plytalk.core.contracts.items import (
    EXIT,
    EXIT_SPACE,
    Ack,
    Close,
    CloseReason,
    Control,
    Extension,
    Item,
    Ping,
    Pong,
    Undecodable,
    is_exit,
)
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.sanitise import all_clean, clean
from plytalk.core.contracts.ui import Hearer
from plytalk.core.conversation.farewell import STOPPED, Farewell
from plytalk.core.conversation.heartbeat import Heartbeat
from plytalk.core.conversation.meter import Meter
from plytalk.core.pipeline.connection import Connection, Reading
from plytalk.core.pipeline.pieces import Pieces
from plytalk.core.pipeline.user_questions import IsThere

MAX_SAME, MAX_NOTICES = 3, 100
"""How often the same sentence is shown in a conversation, and how many different ones."""
ACKNOWLEDGE = 64
"""After how many messages the other side is told that they were received; when it says goodbye, it is told at once."""
OUR_WORDS = {CloseReason.SHUTDOWN: "The server was told to end."}


class DirectChat:
    """A conversation over one stream, through one stack, at one end of it.

    A feature may make a subclass in its place (`MakesChat`). What that may override is under "for subclasses".
    """

    # A server has thousands at rest, so each holds what it needs and nothing twice.
    __slots__ = (
        "_acknowledge_at", "_acknowledged", "_ending_known", "_extensions", "_farewell", "_hearer", "_heartbeat", "_loop",
        "_noticed", "_said", "_show_notice", "_taken", "_theirs", "_when_over", "acknowledges", "active_at", "address",
        "connection", "ending", "failed", "heard", "stack", "stream",
    )  # fmt: skip
    meter: Meter | None = None
    """Is told what the other side sends, before anything is done about it."""

    def __init__(
        self,
        connection: Connection,
        *,
        heartbeat: Heartbeat | None = None,
        notice: Callable[[str], None] | None = None,
    ) -> None:
        """`heartbeat` notices a peer that is dead; `notice` tells the user about the peer, by default with the UI."""
        self.connection, self.stack, self.stream = connection, connection.stack, connection.stream
        self.address = connection.address
        self._heartbeat = heartbeat if Ping in self.stack.make_messages.layer.carries else None
        self.heard = False
        self.ending: Ending | None = None
        self._ending_known: asyncio.Event | None = None  # made when somebody waits: a server has thousands of conversations
        self._farewell: Farewell | None = None
        self._theirs: Ending
        self.failed = False
        self._hearer: Hearer = self.stack.ui
        self._show_notice = notice or self.stack.ui.notice
        self._when_over: tuple[Callable[[DirectChat, Ending], None], ...] = ()
        self._extensions: tuple[tuple[int, Callable[[bytes], None]], ...] = ()
        self._loop = asyncio.get_running_loop()
        self.active_at = self._loop.time()
        self.acknowledges = self.stack.make_messages.layer.extensible
        self._said = self._acknowledged = self._taken = 0
        self._acknowledge_at = ACKNOWLEDGE if self.acknowledges else sys.maxsize
        if not self.acknowledges:
            connection.pieces = Pieces()
        self._noticed: dict[str, int] | None = None

    @property
    def role(self) -> Role:
        return self.connection.role

    @property
    def limits(self) -> Limits:
        return self.connection.limits

    @property
    def identity(self) -> Identity | None:
        """The key that the other side showed, if it showed one."""
        return self.connection.identity

    # -- opening ----------------------------------------------------------------------------------------------------------

    async def open(self, turn: Callable[[], Awaitable[None]] | None = None, is_there: IsThere | None = None) -> None:
        """Open the connection: see `Connection.open`. Raises ChatError."""
        await self.connection.open(turn, self._show_notice, is_there)

    def heard_by(self, hearer: Hearer) -> None:
        """Let `hearer` have what the other side says, in place of the UI: for features, when a conversation has opened."""
        self._hearer, self._show_notice = hearer, hearer.notice

    def when_over(self, tell: Callable[["DirectChat", Ending], None]) -> None:
        """Have the ending told as soon as it is known; those who asked are told in turn."""
        if self.ending:
            tell(self, self.ending)
        else:
            self._when_over = (*self._when_over, tell)

    def extend(self, kind: int, receive: Callable[[bytes], None]) -> None:
        """Have the bodies of `Extension` items of this type delivered; those that nobody asks for are skipped."""
        self._extensions = (*self._extensions, (kind, receive))

    def begin(self) -> None:
        """Hear what has arrived behind the handshake, and from now on all that arrives."""
        self.connection.start(self)
        if self._heartbeat and not self.ending:
            self._heartbeat.watch(self)

    # -- in: what the connection calls ------------------------------------------------------------------------------------

    def receive(self, items: Iterable[Item], size: int) -> Iterator[Item] | None:
        """Hear the items of one record; those that are left when reading stops are returned (see `ItemReceiver`)."""
        hearer, meter, connection = self._hearer, self.meter, self.connection
        if meter is not None and size:
            items = items if items.__class__ is list else list(items)
            meter.record(size, len(items))
        # One text alone comes in a tuple.
        harmless = hearer.raw or (items.__class__ is list and all_clean(items))
        rest, is_open = iter(items), Reading.OPEN
        if connection.reading is not is_open:
            return rest
        show, now = hearer.message, self._loop.time()
        for item in rest:
            if self._farewell is not None:
                self._hear_late(item)
            elif item.__class__ is str:
                self._taken += 1
                self.active_at = now
                show(item if harmless else clean(item))
            else:
                if meter is not None:
                    meter.item()
                self._control(item)
            if connection.reading is not is_open:
                return rest
        return None

    def read_done(self, size: int) -> None:
        """All that came in a read has been heard."""
        self.heard = True
        if self._farewell is not None:
            self._farewell.arrived += size
        if self._taken >= self._acknowledge_at:
            self._acknowledge_at = self._taken + ACKNOWLEDGE
            self.connection.send(Ack(self._taken))
        if self.meter is not None and not self.ending:
            self.meter.kept(self.connection.unfinished)

    def skipped(self, why: str) -> None:
        """A frame was skipped."""
        self.notice(clean(why))

    def stop_reading(self) -> None:
        """Hear nothing more until `read_on`, also of the record that is being read."""
        if not self.ending:
            self.connection.stop_reading()

    def read_on(self) -> None:
        """Hear what was kept, and from now on what arrives, unless reading is stopped again."""
        self.connection.read_on()

    def _control(self, item: Item) -> None:
        if isinstance(item, Close):
            self._hear_goodbye(item)
        elif isinstance(item, Ping):
            if self.stream.buffered <= self.limits.unread:  # who asks without reading gets no answer, and none piles up here
                self.connection.send(Pong(item.body))
        elif isinstance(item, Pong):
            self.hear_pong(item.body)
        elif isinstance(item, Extension):
            for kind, receive in self._extensions:
                if kind == item.type:
                    receive(item.body)
        elif isinstance(item, Ack):
            self.hear_acknowledgement(item.taken)
        elif isinstance(item, Control):
            self.fail(
                StackMismatch(
                    "The other side waits for an answer from an authenticator that was not chosen here.",
                    "Choose the same authenticators on both sides.",
                )
            )
        elif isinstance(item, Undecodable):
            self._taken += 1
            self.notice("A message came that is not UTF-8 text; what could be read of it follows.")
            self._hearer.message(item.text if self._hearer.raw else clean(item.text))

    def ended(self, error: Exception | None) -> None:
        """The stream is over."""
        if self._farewell:
            self._farewell.stream_over, self._farewell.error = True, error
            self._farewell.changed.set()
            return
        lost = f", and {self.unreceived:,} of the last lines that you sent were not acknowledged" if self.unreceived else ""
        if error is not None:
            why = clean(str(getattr(error, "strerror", None) or error)).lower()
            hint = NOT_LET_IN if self.unheard else ""
            self.fail(Truncated(f"The connection was cut ({why}): something the other side sent may be missing{lost}.", hint))
        elif self.connection.framer.unfinished:
            self.fail(
                Truncated(f"The connection ended in the middle of a frame: something the other side sent is missing{lost}.")
            )
        elif Property.CLEAN_END in self.stack.gives:
            self.fail(Truncated(f"The connection ended without a goodbye: something the other side sent may be missing{lost}."))
        else:
            self._farewell = Farewell()
            self._farewell.stream_over = True
            silent = Ending(EndedBy.THEM, "The other side closed the connection without saying exit.")
            self._end(unheard() if self.unheard else silent)

    # -- out --------------------------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Say a line, as the user typed it. What is said within one turn of the loop goes out together; `exit` ends the chat."""
        if len(text) < EXIT_SPACE and is_exit(text):
            self.exit(text)
            return
        try:
            prepared = None if self.ending else self.connection.messages.prepare(text)
        except Exception as error:
            self.fail(error)
            return
        if prepared is None:
            return
        # A character has four bytes at most.
        most = self.connection.limits.message
        if len(prepared) * 4 > most and len(prepared.encode(errors="replace")) > most:
            self.failed = True
            self.notice(f"That line is longer than a message may be ({most:,} bytes) and was not sent: split it.")
            return
        self.send_line(prepared)

    def send_item(self, item: Item, with_next: bool = False) -> None:
        """Send something that is not said by people, in its turn; `with_next` leaves it to the next send, or to `flush`."""
        if self.ending:
            return
        if with_next:
            self.connection.send_with_next(item)
        else:
            self.connection.send(item)

    def send_packed(self, plaintexts: Sequence[bytes]) -> None:
        """Send plaintexts that were packed once for many."""
        if not self.ending:
            self.connection.send_packed(plaintexts)

    def flush(self) -> None:
        """Send what waits for the end of this turn."""
        self.connection.flush()

    def exit(self, text: str = EXIT, *, reason: CloseReason = CloseReason.SAID_EXIT, sentence: str = "") -> None:
        """Say goodbye and end the conversation.

        `reason` and `sentence` tell the peer's user why, where the messages can carry them.
        """
        if self.ending:
            return
        try:
            goodbye = Close(self.connection.messages.prepare(text) or EXIT, reason, sentence)
        except Exception as error:
            self.fail(error)
        else:
            self._say_goodbye(goodbye, Ending(EndedBy.US, sentence or OUR_WORDS.get(reason, "You said exit."), code=reason))

    @property
    def is_reading(self) -> bool:
        """Whether what the other side sends is read at the moment."""
        return self.connection.reading is Reading.OPEN

    def ping(self) -> None:
        """Ask whether the other side is still there; any answer will do."""
        if not self.ending and self.stream.buffered <= self.limits.unread:
            self.connection.send(Ping())

    def lost(self, seconds: float) -> None:
        """Nothing has come for so long, no answer to a ping either: the connection counts as cut."""
        self.fail(
            Truncated(
                f"The connection is dead: the other side has been silent for {seconds:g} seconds and does not answer a ping. "
                "What was sent in that time may not have arrived."
            )
        )

    async def drain(self) -> None:
        """Wait until more may be said without piling up. Returns at once when the conversation is over."""
        self.connection.flush()
        if not self.ending:
            await self.stream.drained()

    # -- ending -----------------------------------------------------------------------------------------------------------

    def notice(self, sentence: str) -> None:
        """Tell the user, three times at most for the same sentence: a hostile peer must not fill the screen."""
        if self._noticed is None:
            self._noticed = {}
        seen = self._noticed.get(sentence, 0) + 1
        if seen > MAX_SAME or (seen == 1 and len(self._noticed) >= MAX_NOTICES):
            return
        self._noticed[sentence] = seen
        self._show_notice(sentence + (" (Further ones like this are not shown.)" if seen == MAX_SAME else ""))

    def fail(self, error: Exception) -> None:
        """End the conversation by what went wrong in it."""
        if not isinstance(error, ChatError):
            cause = error
            error = BrokenPlugin(f"A layer of {self.stack.line} raised {type(cause).__name__}; the conversation ends here.")
            error.__cause__ = cause
        if self.ending and self._farewell:  # a goodbye is under way, and comes no further
            self._farewell.fail(error)
        self._end(Ending(EndedBy.FAULT, error.sentence, error))

    # -- for subclasses ---------------------------------------------------------------------------------------------------

    def send_line(self, line: str) -> None:
        """Send a line that was said, and count it."""
        self._said += 1
        self.connection.send(line)

    def hear_acknowledgement(self, taken: int) -> None:
        """The other side has taken so many of our messages; one more than were said, if the goodbye is among them."""
        self._acknowledged = max(self._acknowledged, min(taken, self._said))
        if self._farewell and self._farewell.said and taken > self._said:
            self._farewell.acknowledged = True
            self._farewell.changed.set()

    def hear_pong(self, body: bytes) -> None:
        """The other side has answered a ping, and so has read all that was sent before it."""

    def hear_goodbye(self) -> None:
        """The other side has said goodbye: call `part`, now or when all that it said has been done."""
        self.part()

    def hear_late(self, item: Item) -> None:
        """Something comes after our own goodbye, and before the other side's."""
        if isinstance(item, str):
            self._taken += 1
            self._hearer.message(item if self._hearer.raw else clean(item))
        else:
            self._control(item)

    def count_taken(self) -> int:
        """How many of the other side's messages this side has taken, for the acknowledgement of its goodbye."""
        return self._taken

    def before_goodbye(self) -> None:
        """Send what is to be sent before our own goodbye."""

    # -- ending: see farewell.py ------------------------------------------------------------------------------------------

    @property
    def unheard(self) -> bool:
        """Whether this is a client that has heard nothing, of a server that cannot say whether it lets it in."""
        return self.role is Role.INITIATOR and not self._taken and Property.CLEAN_END not in self.stack.gives

    @property
    def unacknowledged(self) -> int:
        """How many of our messages the other side has not acknowledged."""
        return max(0, self._said - self._acknowledged)

    @property
    def unreceived(self) -> int:
        """How many lines the other side has not received, as far as this side can know."""
        pieces = self.connection.pieces
        if pieces is None:
            return self.unacknowledged
        broken = self._farewell.undelivered if self._farewell and self._farewell.error else 0
        return pieces.lines_in(max(self.stream.undelivered, broken))

    def part(self) -> None:
        """Answer the other side's goodbye: all that it said before has been done."""
        if self._farewell and self._farewell.heard and not self.ending:
            self._say_goodbye(Close() if self.acknowledges else None, self._theirs)

    def _say_goodbye(self, goodbye: Close | None, ending: Ending) -> None:
        self.before_goodbye()
        farewell = self._farewell = self._farewell or Farewell()
        if farewell.heard:
            self._acknowledge_goodbye()
        if goodbye:
            self.connection.send(goodbye)
        farewell.said = True
        self.connection.flush()
        self._end(ending)

    def _acknowledge_goodbye(self) -> None:
        if self.acknowledges:  # it counts as one more message, unless something before it was not taken
            ignored = self._farewell is not None and self._farewell.ignored
            self.connection.send(Ack(self.count_taken() + (not ignored)))

    def _hear_goodbye(self, goodbye: Close) -> None:
        farewell = self._farewell = self._farewell or Farewell()
        farewell.heard = True
        farewell.changed.set()
        # Only a server removes members, so what a client says of itself is an ordinary goodbye.
        self._theirs = ending_by_peer(goodbye if self.role is Role.INITIATOR else Close(goodbye.text))
        if self.ending:
            self._acknowledge_goodbye()
            self.connection.flush()
            self.stream.finish()
        else:
            self.hear_goodbye()

    def _hear_late(self, item: Item) -> None:
        """Something that comes when one of the two has said goodbye."""
        farewell = self._farewell
        assert farewell is not None
        if farewell.over:
            return
        if isinstance(item, Ack):
            self.hear_acknowledgement(item.taken)
        elif farewell.heard:
            return  # behind a goodbye nothing else is read
        else:
            self.hear_late(item)

    def ignore_rest(self) -> None:
        """Let go of what has come and is not done, and read nothing more: for a conversation that this side has ended."""
        self.connection.ignore_rest()

    def tell_waiting(self) -> None:
        """Tell the user of this conversation why it has not ended yet."""
        if self._hearer is self.stack.ui and self.ending and self.ending.by is EndedBy.US:
            lines = self.unreceived
            what = f"{lines:,} lines are" if lines > 1 else "one line is" if lines else "the goodbye is"
            self.notice(f"Not ended yet: {what} still to be received. Ctrl-C stops waiting.")

    def _end(self, ending: Ending) -> None:
        if self.ending:
            return
        self.ending = ending
        self._stop_heartbeat()
        if tracer := self.connection.tracer:
            tracer.tell("ended", ending.reason, by=ending.by.value)
        self.connection.drop_pending()
        farewell = self._farewell = self._farewell or Farewell()
        farewell.over = ending.by is EndedBy.FAULT
        if farewell.over:
            self.connection.ignore_rest()
        else:  # what was said before is read, so that the peer's own goodbye is seen
            self.connection.read_on(soon=True)
        if farewell.over or farewell.heard or not self.acknowledges:
            self.stream.finish()
        if self._ending_known:
            self._ending_known.set()
        for tell in self._when_over:
            tell(self, ending)

    def _stop_heartbeat(self) -> None:
        if self._heartbeat:
            self._heartbeat.forget(self)
            self._heartbeat = None

    def forget(self) -> None:
        """Drop the keys, and all that refers back to this conversation, so that it goes when the last who uses it lets go.

        A reference cycle would keep it until Python searches for cycles, which a busy server rarely does.
        """
        self._hearer, self._when_over, self._extensions = self.stack.ui, (), ()
        self._show_notice = self.stack.ui.notice
        self._stop_heartbeat()
        self.connection.close()
        error: BaseException | None = self.ending.error if self.ending else None
        while error:  # its traceback holds the frames of our own methods, and of those that called them
            error.__traceback__ = None
            error = error.__cause__ or error.__context__

    async def over(self) -> Ending:
        """Wait until it has ended and everything is received, or cannot be; then close the stream and drop the keys."""
        try:
            if not self.ending:
                self._ending_known = self._ending_known or asyncio.Event()
                await self._ending_known.wait()
            assert self.ending is not None
            assert self._farewell is not None
            if self.ending.by is not EndedBy.FAULT:
                self.stream.resume()  # its acknowledgements must not wait
                try:
                    self.ending = await self._farewell.wait(self, self.ending)
                except asyncio.CancelledError:
                    self.ending = self._farewell.verdict(self, self.ending, STOPPED)
                    raise
        finally:
            if self._farewell:
                self._farewell.over = True
            self.forget()
        return self.ending
