"""A client's conversation over its present connection, and where the client stands with its server:

    AWAY --- a connection opens -------------------------------------------> ASKED
    AWAY --- a connection opens, whose messages carry text alone ----------> NO_ROOMS
    ASKED --- a command is given, or this is a return ---------------------> WAITING
    ASKED, WAITING, NO_ROOMS --- the server says welcome ------------------> IN_ROOM
    ASKED, WAITING --- it answers a ping that followed the request --------> NO_ROOMS
    ASKED, WAITING, IN_ROOM, NO_ROOMS --- a goodbye, a fault, or a cut ----> AWAY

In AWAY and WAITING what is said waits (see `room_input.py`); in all others it goes out. It is kept until it is acknowledged.
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
"""How many lines are kept for a server that has not said whether it has rooms."""


class ClientState(Enum):
    """Where a client stands with its server; the table of transitions is at the top of this file."""

    AWAY = "there is no connection"
    ASKED = "the server was asked for a room"
    WAITING = "it was, and what is said now depends on the answer"
    IN_ROOM = "in a room"
    NO_ROOMS = "the other side has no rooms"


class KeptLines(deque[str]):
    """The lines that a client has said and the server has not acknowledged, over all connections of the client: `most` at most.

    `taken` counts those that the server has acknowledged. The first `earlier` of the lines here were said over an earlier
    connection. `unshown` counts acknowledged lines that have not come back as events.
    """

    def __init__(self) -> None:
        super().__init__()
        self.taken = self.earlier = self.unshown = 0
        self.most = MAX_KEPT

    @property
    def said(self) -> int:
        """The number of the last line, as the server counts them."""
        return self.taken + len(self)

    def begin_connection(self) -> None:
        """A connection has opened: whether this server has rooms is not known."""
        self.earlier, self.most = len(self), MAX_KEPT

    def welcome(self) -> None:
        """The server has a room, to which one may come back: keep all lines."""
        self.most = sys.maxsize

    def acknowledge(self, taken: int) -> None:
        """The server has taken so many of all lines that were said."""
        while self.taken < taken and self:
            line = self.popleft()
            blank = not line or line.isspace()
            self.unshown += not blank and (line[:1] != "/" or line[:2] == "//")  # of these nothing need come back
            self.taken += 1
            self.earlier = max(self.earlier - 1, 0)

    def drop_earlier(self, taken: int) -> None:
        """Drop what was said over earlier connections, for a server that does not know of it; it has accepted this many lines."""
        for _ in range(self.earlier):
            self.popleft()
        self.taken, self.earlier, self.unshown = taken, 0, 0

    def said_earlier(self) -> tuple[str, ...]:
        """What was said over earlier connections, to be said again."""
        return tuple(islice(self, self.earlier))


class RoomChat(DirectChat):
    """`lines` keeps what is said, None in messages that acknowledge nothing. `state` counts until the conversation is over."""

    __slots__ = ("_on_read", "_unshown", "lines", "state")

    def __init__(self, connection: Connection, **options: Any) -> None:
        super().__init__(connection, **options)
        self.lines: KeptLines | None = None
        self.state = ClientState.ASKED if self.acknowledges else ClientState.NO_ROOMS
        self._on_read: Callable[[], None] | None = None
        self._unshown: list[str] = []

    def enter(self, state: ClientState) -> None:
        """What is said here comes back from the server in a room; without rooms it is shown when it is sent."""
        self.state, unshown, self._unshown = state, self._unshown, []
        if state is ClientState.NO_ROOMS and self._ui is not None:
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

    def send_again(self, lines: Iterable[str]) -> None:
        """Send what was said, and counted, over an earlier connection."""
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
        """Say goodbye to a server that has not answered: it has received neither the queue's `unsaid` lines nor earlier ones."""
        if self.state is ClientState.WAITING and not self.ending:
            self.lines = None  # nothing counts as taken any more
            self._said += unsaid + 1
            self.exit()

    def forget(self) -> None:
        self.lines = self._on_read = None
        super().forget()
