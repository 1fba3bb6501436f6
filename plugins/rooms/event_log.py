"""The log of a room: its events in order, numbered from 1, each as the bytes that every member gets.

A member is a position in the log, and needs no queue. A slow reader falls behind, a member that reconnects continues from its
position, and members at the same position share the records that are packed for them.
"""

import sys
from collections.abc import Callable

from msgspec import Struct

from plytalk.core.contracts.items import Extension
from plytalk.plugins.rooms.room_events import EVENT

NOTHING: frozenset[int] = frozenset()
MAX_BYTES = 4 * 1024 * 1024
"""The largest number of bytes of events that a room keeps, whatever their number."""
MOST_BYTES = 16 * 1024 * 1024
"""The same while slow members have not been sent them."""


class LogEntry(Struct, frozen=True, gc=False):
    """An event's body, the id of the connection that it came from (0 for none), and who may see it (None for everybody)."""

    body: bytes
    sender: int
    audience: frozenset[object] | None

    def is_for(self, person: object) -> bool:
        """Whether this person may see it."""
        return self.audience is None or person in self.audience


class LogSize:
    """The number of bytes that all logs of a server keep together. If it exceeds `most`, `shorten` is called."""

    def __init__(self, most: int = sys.maxsize, shorten: Callable[[], None] = lambda: None) -> None:
        self.kept, self.most, self.shorten = 0, most, shorten


class EventLog:
    """The last events of a room: at least `keep` of them, unless they are very long. Their size is also counted in `together`."""

    def __init__(self, keep: int, after: int = 0, together: LogSize | None = None) -> None:
        self._keep, self._together = keep, together or LogSize()
        self._entries: list[LogEntry] = []
        self.kept = self._forgotten = 0
        """The number of bytes kept, and of those that were deleted."""
        self.first = self.next = after + 1
        """The numbers of the first event kept, and of the next event to come."""
        self.last_private = 0
        """The number of the last event that is not for everybody."""

    def add(self, body: bytes, sender: int = 0, audience: frozenset[object] | None = None) -> None:
        """Add an event. Its number is the value of `next` before the call."""
        if audience is not None:
            self.last_private = self.next
        self._entries.append(LogEntry(body, sender, audience))
        self.next += 1
        self.kept += len(body)
        self._together.kept += len(body)

    @property
    def total(self) -> int:
        """The number of bytes of all events so far."""
        return self.kept + self._forgotten

    def since(self, at: int) -> list[LogEntry]:
        """Return the events kept from number `at` on."""
        return self._entries[max(0, at - self.first) :]

    def items(self, at: int, end: int, hidden: frozenset[int] = NOTHING) -> list[Extension]:
        """Return events `at` to `end` - 1, without those that are `hidden`, as items."""
        entries = self._entries[max(0, at - self.first) : max(0, end - self.first)]
        if hidden:
            entries = [entry for number, entry in enumerate(entries, max(at, self.first)) if number not in hidden]
        return [Extension(EVENT, entry.body) for entry in entries]

    def hidden(self, at: int, end: int, person: object) -> frozenset[int]:
        """Return the numbers of events `at` to `end` - 1 that this person may not see; for None, of all private events."""
        if self.last_private < at:
            return NOTHING
        entries = zip(range(at, end), self.since(at), strict=False)
        return frozenset(number for number, entry in entries if not entry.is_for(person))

    def size(self, at: int) -> int:
        """Return the number of bytes of the events from number `at` on."""
        return sum(len(entry.body) for entry in self.since(at))

    def part(self, at: int, size: int) -> tuple[int, int]:
        """Return the `end` of the events from `at` on that fit into `size` bytes, at least one, and their bytes."""
        total, end = 0, at
        for entry in self._entries[max(0, at - self.first) :]:
            if total and total + len(entry.body) > size:
                break
            total += len(entry.body)
            end += 1
        return end, total

    def trim(self, needed: int | None = None) -> None:
        """Delete events if there are too many. Called when all events of a turn have been sent.

        Events from number `needed` on are kept for a member that has not been sent them, unless they exceed MOST_BYTES.
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
        """Delete events until at most this many bytes are kept."""
        self._forget(*self._cut(0, self.kept, size, 0))

    def _cut(self, gone: int, left: int, size: int, least: int = 1) -> tuple[int, int]:
        """Return how many events to delete until `size` bytes or `least` events are left, and the number of bytes left."""
        while left > size and gone < len(self._entries) - least:
            left -= len(self._entries[gone].body)
            gone += 1
        return gone, left

    def _forget(self, gone: int, left: int) -> None:
        del self._entries[:gone]
        self._forgotten += self.kept - left
        self._together.kept -= self.kept - left
        self.kept, self.first = left, self.first + gone
