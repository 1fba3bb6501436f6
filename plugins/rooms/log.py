"""What happened in a room, in order: each event once, numbered from 1, as the bytes that everybody gets.

A member is a position in it. So nobody has a queue of his own: who reads slowly falls behind, who comes back goes on from where
he was, and members at the same position share the records that are packed for them.
"""

from typing import NamedTuple

MAX_BYTES = 4 * 1024 * 1024
"""How many bytes of events a room keeps, whatever their number."""


class Entry(NamedTuple):
    """An event's body; which connection it came from, 0 for none; and whose eyes it is for, None for everybody's."""

    body: bytes
    sender: int
    audience: frozenset[object] | None


class Log:
    """The last events of a room: at least `keep` of them, unless they are very long."""

    def __init__(self, keep: int, after: int = 0) -> None:
        self._keep = keep
        self._entries: list[Entry] = []
        self._bytes = self.total = 0
        """How many bytes are kept, and how many there have been in all."""
        self.first = self.next = after + 1
        """The numbers of the first event that is kept, and of the next one."""
        self.last_private = 0
        """The number of the last event that is not for everybody."""

    def add(self, body: bytes, sender: int = 0, audience: frozenset[object] | None = None) -> None:
        """Keep an event; its number is what `next` was."""
        if audience is not None:
            self.last_private = self.next
        self._entries.append(Entry(body, sender, audience))
        self.next += 1
        self._bytes += len(body)
        self.total += len(body)

    def since(self, at: int) -> list[Entry]:
        """The events from number `at` on, of those that are kept."""
        return self._entries[max(0, at - self.first) :]

    def bodies(self, at: int) -> list[bytes]:
        """Their bodies, where all are for everybody."""
        return [entry[0] for entry in self._entries[max(0, at - self.first) :]]

    def trim(self) -> None:
        """Forget events that are too many: not while they come, but once all of a turn have gone out."""
        if len(self._entries) <= 2 * self._keep + 16 and self._bytes <= MAX_BYTES:
            return
        # Half at a time, so that the cost of moving the list is shared by many events.
        gone = max(len(self._entries) - self._keep, 0)
        left = self._bytes - sum(len(entry[0]) for entry in self._entries[:gone])
        while left > MAX_BYTES // 2 and gone < len(self._entries) - 1:
            left -= len(self._entries[gone][0])
            gone += 1
        del self._entries[:gone]
        self._bytes, self.first = left, self.first + gone
