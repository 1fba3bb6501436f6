"""The lines that a client has said and the server has not acknowledged, over all connections of the client."""

import sys
from collections import deque
from itertools import islice

MAX_KEPT = 10_000
"""How many lines are kept for a server that has not said whether it has rooms."""


class KeptLines:
    """`taken` counts the lines that the server has acknowledged.

    The first `earlier` of those that are kept were said over an earlier connection. `unshown` counts those that the server has
    taken, and that have not come back as events yet.
    """

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self.taken = self.earlier = self.unshown = 0
        self.most = MAX_KEPT

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def said(self) -> int:
        """The number of the last line, as the server counts them."""
        return self.taken + len(self._lines)

    def begin_connection(self) -> None:
        """A connection has opened: whether this server has rooms is not known."""
        self.earlier, self.most = len(self._lines), MAX_KEPT

    def welcome(self) -> None:
        """The server has a room, to which one may come back: keep all lines."""
        self.most = sys.maxsize

    def add(self, line: str) -> None:
        """Keep a line until it is acknowledged."""
        if len(self._lines) < self.most:
            self._lines.append(line)

    def acknowledge(self, taken: int) -> None:
        """The server has taken so many of all lines that were said."""
        while self.taken < taken and self._lines:
            line = self._lines.popleft()
            blank = not line or line.isspace()
            self.unshown += not blank and (line[:1] != "/" or line[:2] == "//")  # of these nothing need come back
            self.taken += 1
            self.earlier = max(self.earlier - 1, 0)

    def drop_earlier(self, taken: int) -> None:
        """Drop what was said over earlier connections, for a server that does not know of it; it has taken so many lines."""
        for _ in range(self.earlier):
            self._lines.popleft()
        self.taken, self.earlier, self.unshown = taken, 0, 0

    def said_earlier(self) -> tuple[str, ...]:
        """What was said over earlier connections, to be said again."""
        return tuple(islice(self._lines, self.earlier))
