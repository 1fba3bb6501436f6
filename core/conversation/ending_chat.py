"""How a conversation ends: with a goodbye, a fault or a cut, and perhaps with messages that the other side has not received.

The ending is known at once, and told to those that asked (`when_over`). Messages may still be on their way then: `over` waits
until they are received, or cannot be, and drops the keys.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from plytalk.core.contracts.checked_calls import checked
from plytalk.core.contracts.endings import NOT_LET_IN, EndedBy, Ending, ending_by_peer, unheard
from plytalk.core.contracts.errors import ChatError, LocalError, Truncated
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.items import EXIT, Ack, Close, CloseReason, Item
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.sanitise import clean
from plytalk.core.conversation.farewell import STOPPED, Farewell, Goodbyes
from plytalk.core.pipeline.connection import Connection, Reading
from plytalk.core.pipeline.pieces import Pieces
from plytalk.core.pipeline.trial import fault_of_layer

OUR_WORDS = {CloseReason.SHUTDOWN: "The server was told to end."}


class EndingChat(ABC):
    """The end of a conversation over one connection. `DirectChat` is the rest of it."""

    __slots__ = (
        "_acknowledged", "_ending_known", "_farewell", "_said", "_taken", "_when_over", "acknowledges", "connection", "ending",
        "stack", "stream",
    )  # fmt: skip

    def __init__(self, connection: Connection) -> None:
        self.connection, self.stack, self.stream = connection, connection.stack, connection.stream
        self.acknowledges = self.stack.make_messages.layer.extensible
        self._said = self._acknowledged = self._taken = 0
        if not self.acknowledges:
            connection.pieces = Pieces()
        self.ending: Ending | None = None
        self._ending_known: asyncio.Event | None = None  # created when needed: a server has thousands of conversations
        self._farewell: Farewell | None = None
        self._when_over: tuple[Callable[[Any, Ending], None], ...] = ()

    @property
    def role(self) -> Role:
        return self.connection.role

    @property
    def identity(self) -> Identity | None:
        """The key that the other side showed, if it showed one."""
        return self.connection.identity

    @property
    def is_reading(self) -> bool:
        """Whether this side currently reads what the other side sends."""
        return self.connection.reading is Reading.OPEN

    @property
    def arrived(self) -> int:
        """How many bytes have come and been read."""
        return self.connection.arrived

    @property
    def limits(self) -> Limits:
        return self.connection.limits

    @abstractmethod
    def tell_waiting(self) -> None:
        """Tell the user of this conversation why it has not ended yet."""

    # -- what was received ------------------------------------------------------------------------------------------------

    @property
    def unheard(self) -> bool:
        """Whether this client has received nothing, from a server that cannot say whether it lets the client in."""
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

    def hear_acknowledgement(self, taken: int) -> None:
        """Note how many of our messages the other side has received. Our goodbye counts as one more."""
        self._acknowledged = max(self._acknowledged, min(taken, self._said))
        if self._farewell and taken > self._said:
            self._farewell.acknowledge()

    # -- goodbyes ---------------------------------------------------------------------------------------------------------

    def exit(self, text: str = EXIT, *, reason: CloseReason = CloseReason.SAID_EXIT, sentence: str = "") -> None:
        """Say goodbye and end the conversation. `reason` and `sentence` tell the peer's user why, if the messages can."""
        if self.ending:
            return
        try:
            prepared = checked(self.connection.messages, "prepare", str | None, text)
            goodbye = Close(prepared or EXIT, reason, sentence)
        except BaseException as error:
            let_through(error)
            self.fail(error)
        else:
            self._say_goodbye(goodbye, Ending(EndedBy.US, sentence or OUR_WORDS.get(reason, "You said exit."), code=reason))

    def part(self) -> None:
        """Answer the other side's goodbye: everything that it said before has been handled."""
        if self._farewell and self._farewell.theirs and not self.ending:
            self._say_goodbye(Close() if self.acknowledges else None, self._farewell.theirs)

    def _say_goodbye(self, goodbye: Close | None, ending: Ending) -> None:
        self.before_goodbye()
        farewell = self._farewell = self._farewell or Farewell()
        if farewell.theirs:
            self._acknowledge_goodbye(farewell)
        if goodbye:
            self.connection.send(goodbye)
        farewell.say()
        self.connection.flush()
        self._end(ending)

    def _acknowledge_goodbye(self, farewell: Farewell) -> None:
        if self.acknowledges:  # it counts as one more message, unless something before it was ignored
            self.connection.send(Ack(self.count_taken() + (not farewell.ignored)))

    def _hear_goodbye(self, goodbye: Close) -> None:
        farewell = self._farewell = self._farewell or Farewell()
        # Only a server removes members: whatever reason a client gives, its goodbye is an ordinary one.
        farewell.hear(ending_by_peer(goodbye if self.role is Role.INITIATOR else Close(goodbye.text)))
        if self.ending:
            self._acknowledge_goodbye(farewell)
            self.connection.flush()
            self.stream.finish()
        else:
            self.hear_goodbye()

    def _hear_after_goodbye(self, item: Item) -> None:
        """Take an item after one of the two sides has said goodbye."""
        farewell = self._farewell
        if farewell is None or farewell.goodbyes is Goodbyes.OVER:
            return
        if isinstance(item, Ack):
            self.hear_acknowledgement(item.taken)
        elif not farewell.theirs:  # nothing is read after their goodbye
            self.hear_late(item)

    # -- for subclasses: also `hear_acknowledgement` ------------------------------------------------------------------------

    def hear_goodbye(self) -> None:
        """Take the other side's goodbye: call `part`, now or when everything that it said has been handled."""
        self.part()

    @abstractmethod
    def hear_late(self, item: Item) -> None:
        """Take an item after our own goodbye and before the other side's."""

    def count_taken(self) -> int:
        """Return how many of the other side's messages this side has received, for the acknowledgement of its goodbye."""
        return self._taken

    @abstractmethod
    def before_goodbye(self) -> None:
        """Our own goodbye follows: send what is to come before it."""

    # -- the end ----------------------------------------------------------------------------------------------------------

    def when_over(self, tell: Callable[[Any, Ending], None]) -> None:
        """Call `tell` with the ending as soon as it is known, in the order of these calls."""
        if self.ending:
            tell(self, self.ending)
        else:
            self._when_over = (*self._when_over, tell)

    def ended(self, error: Exception | None) -> None:
        """Called when the stream is over."""
        if self._farewell:
            self._farewell.end_stream(error)
            return
        lost = f", and {self.unreceived:,} of the last lines that you sent were not acknowledged" if self.unreceived else ""
        if isinstance(error, LocalError):  # the transport's error says more precisely what failed on this side
            self.fail(error)
        elif error is not None:
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
            self._farewell.end_stream(None)
            silent = Ending(EndedBy.THEM, "The other side closed the connection without saying exit.")
            self._end(unheard() if self.unheard else silent)

    def fail(self, error: BaseException) -> None:
        """End the conversation with an error."""
        if not isinstance(error, ChatError):
            cause = error
            error = fault_of_layer(cause, self.stack)
            error.__cause__ = cause
        if self.ending and self._farewell:  # a goodbye is on its way and will not arrive
            self._farewell.fail(error)
        self._end(Ending(EndedBy.FAULT, error.sentence, error))

    def _end(self, ending: Ending) -> None:
        if self.ending:
            return
        self.ending = ending
        if tracer := self.connection.tracer:
            tracer.tell("ended", ending.reason, by=ending.by.value)
        self.connection.drop_pending()
        farewell = self._farewell = self._farewell or Farewell()
        if ending.by is EndedBy.FAULT:
            farewell.close()
            self.connection.ignore_rest()
        else:  # read what came before, so that the peer's goodbye is seen
            self.connection.read_on(soon=True)
        if ending.by is EndedBy.FAULT or farewell.theirs or not self.acknowledges:
            self.stream.finish()
        if self._ending_known:
            self._ending_known.set()
        for tell in self._when_over:
            tell(self, ending)

    async def over(self) -> Ending:
        """Wait until the conversation has ended and all is received, or cannot be. Then close the stream and drop the keys."""
        try:
            if not self.ending:
                self._ending_known = self._ending_known or asyncio.Event()
                await self._ending_known.wait()
            assert self.ending is not None
            assert self._farewell is not None
            if self.ending.by is not EndedBy.FAULT:
                self.stream.resume()  # its acknowledgements must not have to wait
                try:
                    self.ending = await self._farewell.wait(self, self.ending)
                except asyncio.CancelledError:
                    self.ending = self._farewell.verdict(self, self.ending, STOPPED)
                    raise
        finally:
            if self._farewell:
                self._farewell.close()
            self.forget()
        return self.ending

    def forget(self) -> None:
        """Drop the keys and all references back to this conversation, so that it is freed at once. A reference cycle would keep
        it until the next garbage collection, which is rare on a busy server.
        """
        self._when_over = ()
        self.connection.close()
        error: BaseException | None = self.ending.error if self.ending else None
        while error:  # its traceback refers to the frames of our methods and of their callers
            error.__traceback__ = None
            error = error.__cause__ or error.__context__
