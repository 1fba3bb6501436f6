"""What happened in a room, in order: each event once, numbered from 1, as the bytes that everybody gets.

A member is a position in it. So no member has its own queue: a slow reader falls behind, and one that comes back continues from
where he was, and members at the same position share the records that are packed for them.
"""

import sys
from collections.abc import Callable

from msgspec import Struct

from plytalk.core.contracts.items import Extension
from plytalk.plugins.rooms.room_events import EVENT

NOTHING: frozenset[int] = frozenset()
MAX_BYTES = 4 * 1024 * 1024
"""How many bytes of events a room keeps, whatever their number."""
MOST_BYTES = 16 * 1024 * 1024
"""The same while members that read slowly have yet to be sent them."""


class LogEntry(Struct, frozen=True, gc=False):
    """An event's body, the connection that it came from (0: none), and the persons who may see it (None: everybody)."""

    body: bytes
    sender: int
    audience: frozenset[object] | None

    def is_for(self, person: object) -> bool:
        """Whether this person may see it."""
        return self.audience is None or person in self.audience


class LogSize:
    """How many bytes all logs of a server keep together; `shorten` is called where that is more than `most`."""

    def __init__(self, most: int = sys.maxsize, shorten: Callable[[], None] = lambda: None) -> None:
        self.kept, self.most, self.shorten = 0, most, shorten


class EventLog:
    """The last events of a room: at least `keep` of them, unless they are very long. Their size counts in `together`, too."""

    def __init__(self, keep: int, after: int = 0, together: LogSize | None = None) -> None:
        self._keep, self._together = keep, together or LogSize()
        self._entries: list[LogEntry] = []
        self.kept = self._forgotten = 0
        """How many bytes are kept, and how many were kept earlier."""
        self.first = self.next = after + 1
        """The numbers of the first event that is kept, and of the next one."""
        self.last_private = 0
        """The number of the last event that is not for everybody."""

    def add(self, body: bytes, sender: int = 0, audience: frozenset[object] | None = None) -> None:
        """Keep an event; its number is what `next` was."""
        if audience is not None:
            self.last_private = self.next
        self._entries.append(LogEntry(body, sender, audience))
        self.next += 1
        self.kept += len(body)
        self._together.kept += len(body)

    @property
    def total(self) -> int:
        """How many bytes there have been in all."""
        return self.kept + self._forgotten

    def since(self, at: int) -> list[LogEntry]:
        """The events from number `at` on, of those that are kept."""
        return self._entries[max(0, at - self.first) :]

    def items(self, at: int, end: int, hidden: frozenset[int] = NOTHING) -> list[Extension]:
        """Those before number `end`, without the events that are `hidden`, as everybody is sent them."""
        entries = self._entries[max(0, at - self.first) : max(0, end - self.first)]
        if hidden:
            entries = [entry for number, entry in enumerate(entries, max(at, self.first)) if number not in hidden]
        return [Extension(EVENT, entry.body) for entry in entries]

    def hidden(self, at: int, end: int, person: object) -> frozenset[int]:
        """The numbers of those before number `end` that are not for this person; for None, that are not for everybody."""
        if self.last_private < at:
            return NOTHING
        entries = zip(range(at, end), self.since(at), strict=False)
        return frozenset(number for number, entry in entries if not entry.is_for(person))

    def size(self, at: int) -> int:
        """How many bytes the events from number `at` on have."""
        return sum(len(entry.body) for entry in self.since(at))

    def part(self, at: int, size: int) -> tuple[int, int]:
        """Up to which number the events from `at` on fit into `size` bytes, one at least, and how many bytes they have."""
        total, end = 0, at
        for entry in self._entries[max(0, at - self.first) :]:
            if total and total + len(entry.body) > size:
                break
            total += len(entry.body)
            end += 1
        return end, total

    def trim(self, needed: int | None = None) -> None:
        """Forget events that are too many: not while they come, but once all of a turn have gone out.

        Those from number `needed` on are kept for a member that is being sent them, unless they are more than MOST_BYTES.
        """
        behind = needed is not None and needed < self.next
        keep = max(self._keep, self.next - (needed or 0)) if behind else self._keep
        most = MOST_BYTES if behind else MAX_BYTES
        if len(self._entries) > 2 * keep + 16 or self.kept > most:
            # Half at a time, so that the cost of moving the list is shared by many events.
            gone = max(len(self._entries) - keep, 0)
            left = self.kept - sum(len(entry.body) for entry in self._entries[:gone])
            self._forget(*self._cut(gone, left, most // 2) if left > most else (gone, left))
        together = self._together
        if together.kept > together.most:
            together.shorten()

    def shrink(self, size: int) -> None:
        """Keep no more than this many bytes."""
        self._forget(*self._cut(0, self.kept, size, 0))

    def _cut(self, gone: int, left: int, size: int, least: int = 1) -> tuple[int, int]:
        """How many events have to go until `size` bytes are left, or the `least` number of events, and how many bytes are."""
        while left > size and gone < len(self._entries) - least:
            left -= len(self._entries[gone].body)
            gone += 1
        return gone, left

    def _forget(self, gone: int, left: int) -> None:
        del self._entries[:gone]
        self._forgotten += self.kept - left
        self._together.kept -= self.kept - left
        self.kept, self.first = left, self.first + gone
