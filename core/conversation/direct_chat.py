"""One conversation over one connection: what both sides say, and what the user is told. Its end is in `ending_chat.py`.

The connection's items and `say` drive it. It ends once, with an `Ending`. Whatever goes wrong, the peer sees the same thing: the
connection closes.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from plytalk.core.contracts.blame import returned
from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import StackMismatch, Truncated
from plytalk.core.contracts.events import refuse
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.items import EXIT_SPACE, Ack, Close, Control, Extension, Item, Ping, Pong, Undecodable, is_exit
from plytalk.core.contracts.limits import SPLIT, TOO_LONG, too_long
from plytalk.core.contracts.sanitise import all_clean, clean
from plytalk.core.contracts.ui import Hearer
from plytalk.core.conversation.ending_chat import EndingChat
from plytalk.core.conversation.heartbeat import Heartbeat
from plytalk.core.conversation.ui_hearer import UiHearer, once_more, refuse_command, sender_of
from plytalk.core.pipeline.connection import Connection, Reading
from plytalk.core.pipeline.establish import OpeningCallbacks
from plytalk.core.pipeline.user_questions import IsThere

ACKNOWLEDGE = 64
"""After how many received messages the other side gets an acknowledgement. When it says goodbye, it gets one at once."""


class DirectChat(EndingChat):
    """One end of a conversation over one connection. A feature may make a subclass in its place (`MakesChat`), which may override
    what is under "for subclasses".
    """

    # A server has thousands of idle ones, so each holds only what it needs.
    __slots__ = (
        "_acknowledge_at", "_arrived", "_extensions", "_hearer", "_heartbeat", "_loop", "_noticed", "_show_notice", "_ui",
        "active_at", "address", "failed",
    )  # fmt: skip

    def __init__(
        self,
        connection: Connection,
        *,
        heartbeat: Heartbeat | None = None,
        notice: Callable[[str], None] | None = None,
    ) -> None:
        """`heartbeat` notices a dead peer. `notice` tells the user about the peer, by default through the UI."""
        super().__init__(connection)
        self.address = connection.address
        self._heartbeat = heartbeat if Ping in self.stack.make_messages.layer.carries else None
        self.failed = False
        self._arrived = 0  # how many bytes had come when the heartbeat looked
        self._ui: UiHearer | None = UiHearer(self.stack.ui)
        self._hearer: Hearer = self._ui
        self._show_notice = notice or self._ui.notice
        self._extensions: tuple[tuple[int, Callable[[bytes], None]], ...] = ()
        self._loop = asyncio.get_running_loop()
        self.active_at = self._loop.time()
        self._acknowledge_at = ACKNOWLEDGE if self.acknowledges else sys.maxsize
        self._noticed: dict[str, int] | None = None

    # -- opening ----------------------------------------------------------------------------------------------------------

    async def open(self, turn: Callable[[], Awaitable[None]] | None = None, is_there: IsThere | None = None) -> None:
        """Open the connection: see `Connection.open`. Raises ChatError."""
        await self.connection.open(OpeningCallbacks(turn, self._show_notice, is_there))

    def heard_by(self, hearer: Hearer) -> None:
        """Deliver what the other side says to `hearer`, in place of the UI: for features, when a conversation has opened."""
        self._hearer, self._show_notice, self._ui = hearer, hearer.notice, None

    def extend(self, kind: int, receive: Callable[[bytes], None]) -> None:
        """Deliver the bodies of `Extension` items of this type. Items of other types are skipped."""
        self._extensions = (*self._extensions, (kind, receive))

    def begin(self) -> None:
        """Deliver what has arrived after the handshake, and from now on everything that arrives."""
        if self._ui:
            self._ui.sender = sender_of(self)
        self.connection.start(self)
        if self._heartbeat and not self.ending:
            self._heartbeat.watch(self)

    # -- in: what the connection calls ------------------------------------------------------------------------------------

    def receive(self, items: Iterable[Item]) -> Iterator[Item] | None:
        """Take the items of one batch. Return those that are left when reading stops (see `ItemReceiver`)."""
        hearer, connection = self._hearer, self.connection
        harmless = hearer.raw or (items.__class__ is list and len(items) > 1 and items[0].__class__ is str and all_clean(items))
        rest, is_open = iter(items), Reading.OPEN
        if connection.reading is not is_open:
            return rest
        show, meter, now = hearer.message, connection.meter, self._loop.time()
        if self._ui is not None:
            self._ui.time = None
        for item in rest:
            if self._farewell is not None:
                self._hear_after_goodbye(item)
            elif item.__class__ is str:
                self._taken += 1
                self.active_at = now
                show(item if harmless else clean(item))
            else:
                if meter is not None:
                    meter.item()
                if item.__class__ is Extension:
                    self.hear_extension(item)
                else:
                    self._control(item)
            if connection.reading is not is_open:
                return rest
        if self._taken >= self._acknowledge_at:
            self._acknowledge_at = self._taken + ACKNOWLEDGE
            connection.send(Ack(self._taken))
        return None

    def skipped(self, why: str) -> None:
        """Tell the user that a frame was skipped."""
        self.notice(clean(why))

    def stop_reading(self) -> None:
        """Deliver nothing more until `read_on`, not even from the record that is being read."""
        if not self.ending:
            self.connection.stop_reading()

    def read_on(self) -> None:
        """Deliver what was kept, and from now on what arrives, unless reading is stopped again."""
        self.connection.read_on()

    def _control(self, item: Item) -> None:
        if isinstance(item, Close):
            self._hear_goodbye(item)
        elif isinstance(item, Ping):
            if self.stream.buffered <= self.limits.unread:  # no pong for a peer that does not read, so none pile up here
                self.connection.send(Pong(item.body))
        elif isinstance(item, Pong):
            self.hear_pong(item.body)
        elif isinstance(item, Extension):
            self.hear_extension(item)
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

    # -- out --------------------------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Say a line, as the user typed it. Lines of one turn of the event loop are sent together; `exit` ends the chat."""
        if len(text) < EXIT_SPACE and is_exit(text):
            self.exit(text)
            return
        if self.ending:
            return
        try:
            prepared = self.connection.messages.prepare(text)
        except BaseException as error:
            let_through(error)
            self.fail(error)
            return
        if not isinstance(prepared, str):
            if prepared is not None:
                self.fail(returned(self.connection.messages, "prepare", prepared))
            return
        most = self.connection.limits.message
        if len(prepared) * 4 > most and (why := too_long(prepared, most)):  # a short line needs no call
            self.failed = True
            refuse(self.stack.ui, why, TOO_LONG, SPLIT)
            return
        self.send_line(prepared)

    def send_item(self, item: Item) -> None:
        """Send an item that is not a message."""
        if not self.ending:
            self.connection.send(item)

    def send_packed(self, plaintexts: Sequence[bytes]) -> None:
        """Send plaintexts that were packed once for many."""
        if not self.ending:
            self.connection.flush(plaintexts)

    def ping(self) -> None:
        """Ask whether the other side is still there. Anything that it sends is an answer."""
        if not self.ending and self.stream.buffered <= self.limits.unread:
            self.connection.send(Ping())

    def has_heard(self) -> bool:
        """Return whether anything has come since the last call."""
        before, self._arrived = self._arrived, self.connection.arrived
        return self._arrived > before

    def lost(self, seconds: float) -> None:
        """End the conversation as cut: nothing has come for too long, not even an answer to a ping."""
        dead = f"The connection is dead: the other side has been silent for {seconds:g} seconds and does not answer a ping."
        self.fail(Truncated(f"{dead} What was sent in that time may not have arrived."))

    def command(self, name: str, args: Sequence[str] = (), request: str | None = None) -> None:
        """Answer with an error: commands are for rooms."""
        self.failed = True
        refuse_command(self.stack.ui, name, request)

    def tell_typing(self, on: bool = True) -> bool:
        """Do nothing: signals are for rooms."""
        return False

    def tell_read(self, id: str) -> bool:
        """Do nothing: signals are for rooms."""
        return False

    async def drain(self) -> None:
        """Wait until the buffer has space again. Returns at once when the conversation is over."""
        self.connection.flush()
        if not self.ending:
            await self.stream.drained()

    # -- what its user is told --------------------------------------------------------------------------------------------

    def notice(self, sentence: str) -> None:
        """Tell the user, at most three times for the same sentence: a hostile peer must not fill the screen."""
        if self._noticed is None:
            self._noticed = {}
        if shown := once_more(sentence, self._noticed):
            self._show_notice(shown)

    def tell_waiting(self) -> None:
        """Tell the user of this conversation why it has not ended yet."""
        if self._ui and self.ending and self.ending.by is EndedBy.US:
            lines = self.unreceived
            what = f"{lines:,} lines are" if lines > 1 else "one line is" if lines else "the goodbye is"
            self.notice(f"Not ended yet: {what} still to be received. Ctrl-C stops waiting.")

    # -- for subclasses ---------------------------------------------------------------------------------------------------

    def send_line(self, line: str) -> None:
        """Send a line that was said, and count it."""
        self._said += 1
        self.connection.send(line)
        if self._ui is not None:
            self._ui.said(line)

    def hear_extension(self, item: Extension) -> None:
        """Take an item of a feature's type."""
        for kind, receive in self._extensions:
            if kind == item.type:
                receive(item.body)

    def hear_pong(self, body: bytes) -> None:
        """Take a pong: the other side has read everything that was sent before the ping."""

    def hear_late(self, item: Item) -> None:
        if isinstance(item, str):
            self._taken += 1
            self._hearer.message(item if self._hearer.raw else clean(item))
        else:
            self._control(item)

    def before_goodbye(self) -> None:
        """Send what must come before our own goodbye, which follows."""

    # -- ending: see ending_chat.py ---------------------------------------------------------------------------------------

    def _end(self, ending: Ending) -> None:
        self._stop_heartbeat()
        super()._end(ending)

    def _stop_heartbeat(self) -> None:
        if self._heartbeat:
            self._heartbeat.forget(self)
            self._heartbeat = None

    def forget(self) -> None:
        self._hearer, self._extensions = UiHearer(self.stack.ui), ()
        self._ui, self._show_notice = None, self._hearer.notice
        self._stop_heartbeat()
        super().forget()
