"""A client's conversation over its present connection: what is said is kept until it is acknowledged, and waits on a return.

sending --- hold --------------------------------> holding: what is said waits
holding --- release -----------------------------> sending: first what is said again, then what waited
holding --- the user says exit ------------------> leaving: nothing more is said
leaving --- release -----------------------------> the goodbye goes out, behind all that was said
leaving --- exit again, or `Limits.goodbye` over -> the goodbye goes out, and what waited does not
"""

from collections.abc import Callable, Sequence
from typing import Any

from plytalk.core.contracts.items import EXIT, CloseReason, Item, Ping
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.pipeline.connection import Connection
from plytalk.plugins.rooms.kept_lines import KeptLines

READ_SO_FAR = b"read so far?"


class RoomChat(DirectChat):
    """`lines` keeps what is said, None in messages that acknowledge nothing."""

    __slots__ = ("_goodbye", "_held", "_in_room", "_on_read", "_unshown", "lines")

    def __init__(self, connection: Connection, **options: Any) -> None:
        super().__init__(connection, **options)
        self.lines: KeptLines | None = None
        self._held: list[Item] | None = None
        self._goodbye = ""  # of a user that leaves while lines are held
        self._on_read: Callable[[], None] | None = None
        self._in_room = None if self.acknowledges else False  # None while that is not known
        self._unshown: list[str] = []

    def know(self, in_room: bool) -> None:
        """What is said here comes back from the server in a room; elsewhere it is shown when it is sent."""
        self._in_room, unshown, self._unshown = in_room, self._unshown, []
        if not in_room and self._ui is not None:
            for line in unshown:
                self._ui.said(line)

    def recount(self, acknowledged: int, said: int) -> None:
        """Go on counting our messages where an earlier connection was cut."""
        self._acknowledged, self._said = acknowledged, said

    def when_read(self, tell: Callable[[], None]) -> None:
        """Call `tell` when the other side has read, and answered, all that was sent before this."""
        self._on_read = tell
        self.send_item(Ping(READ_SO_FAR))

    def hear_pong(self, body: bytes) -> None:
        if self._on_read and body == READ_SO_FAR:
            tell, self._on_read = self._on_read, None
            tell()

    def hear_acknowledgement(self, taken: int) -> None:
        if self.lines is not None:
            self.lines.acknowledge(taken)
        super().hear_acknowledgement(taken)

    # -- out --------------------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Send what is pending, and from now on nothing that is said until `release`."""
        self.connection.flush()
        self._held = []

    def release(self, before: Sequence[str] = ()) -> None:
        """Go on sending: first `before`, then what was said meanwhile."""
        if self._held is None or self.ending:
            return
        self._held[:0] = before
        self.before_goodbye()
        if self._goodbye:
            self.exit(self._goodbye)

    def before_goodbye(self) -> None:
        """Send what is held back."""
        held, self._held = self._held or (), None
        for item in held:
            self.connection.send(item)

    def send_line(self, line: str) -> None:
        if self._goodbye:
            return
        if self.lines is not None:
            self.lines.add(line)
        self._said += 1
        if self._held is None:
            self.connection.send(line)
        else:
            self._held.append(line)
        if self._in_room is None:
            self._unshown.append(line)
        elif not self._in_room and self._ui is not None:
            self._ui.said(line)

    def send_item(self, item: Item) -> None:
        if self._held is None:
            super().send_item(item)
        elif not self.ending:
            self._held.append(item)

    def exit(self, text: str = EXIT, *, reason: CloseReason = CloseReason.SAID_EXIT, sentence: str = "") -> None:
        """Say goodbye: behind what is held back, unless that takes long or this is said again."""
        if self._held is not None and not self.ending:
            if not self._goodbye:
                self._goodbye = text or EXIT
                self._loop.call_later(self.limits.goodbye, self.exit, text)
                return
            # The room that it was for never answered: nothing of it was taken, and nothing counts as taken any more.
            self._held = self.lines = None
            self._said += 1
        super().exit(text, reason=reason, sentence=sentence)

    def forget(self) -> None:
        self.lines = self._on_read = None
        super().forget()
