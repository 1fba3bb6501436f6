"""A client's conversation over its current connection, and its state at the server:

    AWAY --- a connection opens -------------------------------------------> ASKED
    AWAY --- a connection opens, whose messages carry text alone ----------> NO_ROOMS
    ASKED --- a command is given, or this is a return ---------------------> WAITING
    ASKED, WAITING, NO_ROOMS --- the server says welcome ------------------> IN_ROOM
    ASKED, WAITING --- it answers a ping that followed the request --------> NO_ROOMS
    ASKED, WAITING, IN_ROOM, NO_ROOMS --- a goodbye, a fault, or a cut ----> AWAY

In AWAY and WAITING, lines are queued (see `room_input.py`); in all other states they are sent. Sent lines are kept until they are
acknowledged.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from itertools import islice
from typing import Any

from plytalk.core.contracts.items import Ping
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.pipeline.connection import Connection

READ_SO_FAR = b"read so far?"
MAX_KEPT = 10_000
"""The largest number of lines kept before the server has said whether it has rooms."""


class ClientState(Enum):
    """The state of a client at its server. The transitions are at the top of this file."""

    AWAY = "there is no connection"
    ASKED = "the server was asked for a room"
    WAITING = "it was, and what is said now depends on the answer"
    IN_ROOM = "in a room"
    NO_ROOMS = "the other side has no rooms"


class KeptLines(deque[str]):
    """The lines that a client has sent and the server has not acknowledged, at most `most`, over all connections of the client.

    `taken` is the number of acknowledged lines. The first `earlier` of the lines kept here were sent over an earlier connection.
    `unshown` is the number of acknowledged lines that have not come back as events.
    """

    def __init__(self) -> None:
        super().__init__()
        self.taken = self.earlier = self.unshown = 0
        self.most = MAX_KEPT

    @property
    def said(self) -> int:
        """The number of the last line sent, as the server counts."""
        return self.taken + len(self)

    def begin_connection(self) -> None:
        """Begin a new connection, to a server that may have no rooms."""
        self.earlier, self.most = len(self), MAX_KEPT

    def welcome(self) -> None:
        """Keep all lines from now on: the server has rooms, to which a client can reconnect."""
        self.most = sys.maxsize

    def acknowledge(self, taken: int) -> None:
        """Drop the lines that the server has received: the first `taken` of all lines that were sent."""
        while self.taken < taken and self:
            line = self.popleft()
            blank = not line or line.isspace()
            self.unshown += not blank and (line[:1] != "/" or line[:2] == "//")  # others need not come back
            self.taken += 1
            self.earlier = max(self.earlier - 1, 0)

    def drop_earlier(self, taken: int) -> None:
        """Drop the lines of earlier connections, which the server does not know. It has received `taken` lines of this one."""
        for _ in range(self.earlier):
            self.popleft()
        self.taken, self.earlier, self.unshown = taken, 0, 0

    def said_earlier(self) -> tuple[str, ...]:
        """Return the lines of earlier connections, to be sent again."""
        return tuple(islice(self, self.earlier))


class RoomChat(DirectChat):
    """One connection of a `RoomClient`. `lines` keeps what is sent; it is None if the messages layer has no acknowledgements."""

    __slots__ = ("_on_read", "_unshown", "lines", "state")

    def __init__(self, connection: Connection, **options: Any) -> None:
        super().__init__(connection, **options)
        self.lines: KeptLines | None = None
        self.state = ClientState.ASKED if self.acknowledges else ClientState.NO_ROOMS
        self._on_read: Callable[[], None] | None = None
        self._unshown: list[str] = []

    def enter(self, state: ClientState) -> None:
        """Change the state. In a room, own lines come back from the server; without rooms, they are shown when they are sent."""
        self.state, unshown, self._unshown = state, self._unshown, []
        if state is ClientState.NO_ROOMS and self._ui is not None:
            for line in unshown:
                self._ui.said(line)

    def recount(self, acknowledged: int, said: int) -> None:
        """Continue the numbers of our lines from an earlier connection."""
        self._acknowledged, self._said = acknowledged, said

    def when_read(self, tell: Callable[[], None]) -> None:
        """Call `tell` when the other side has read everything sent before this call."""
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

    def send_again(self, lines: Iterable[str]) -> None:
        """Send lines of an earlier connection, which are counted already."""
        for line in lines:
            self.connection.send(line)

    def send_line(self, line: str) -> None:
        if (lines := self.lines) is not None and len(lines) < lines.most:
            lines.append(line)
        self._said += 1
        self.connection.send(line)
        if self.state is ClientState.ASKED:
            self._unshown.append(line)
        elif self.state is ClientState.NO_ROOMS and self._ui is not None:
            self._ui.said(line)

    def give_up(self, unsaid: int) -> None:
        """Say goodbye to a server that has not answered. Count the `unsaid` queued lines, and earlier ones, as not received."""
        if self.state is ClientState.WAITING and not self.ending:
            self.lines = None  # acknowledgements are ignored from now on
            self._said += unsaid + 1
            self.exit()

    def forget(self) -> None:
        self.lines = self._on_read = None
        super().forget()
