"""A room: who is in it, what happened, and how that reaches everybody, once for each turn of the event loop.

Members are of two sorts. The *wired* understand events: whoever is at the same place in the log is sent the very same records, so
they are packed once for all of them and only sealed for each. The others (`Ear`) hear lines: guests, and whoever sits at the
server.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from plytalk.core.limits import Limits
from plytalk.core.messages import Extension, Item
from plytalk.plugins.rooms.log import Entry, Log
from plytalk.plugins.rooms.wire import EVENT, FIXED, SEEN, Event, Kind, Mark

if TYPE_CHECKING:
    from plytalk.plugins.rooms.member import Member

Pack = Callable[[Sequence[Item]], Sequence[bytes]]
COMING_AND_GOING = (Kind.JOINED, Kind.LEFT)
SAID = int(Kind.SAID)
CROWD = 50
"""From how many members on nobody is told who comes and goes: it would be more than what is said."""


class Ear(Protocol):
    """Somebody who hears lines. `id` is that of this connection, `person` the same for all connections of one key."""

    id: int
    name: str
    person: object

    def hear(self, event: Event) -> None: ...


class Room:
    """`pack` turns items into the plaintexts of records; `touched` is called when there is something to flush.

    Its events are numbered from the one after `after` on; `entries` are those that there have been already.
    """

    def __init__(
        self, name: str, keep: int, pack: Pack, touched: "Callable[[Room], None]", after: int = 0, entries: Iterable[Entry] = ()
    ) -> None:
        self.name, self.topic = name, ""
        self.log = Log(keep, after)
        for entry in entries:
            self.log.add(*entry)
        self.wired: dict[Member, None] = {}
        self.ears: dict[Ear, None] = {}
        self._heard = self.log.next
        self._pack, self._touched = pack, touched
        self.messages = self.deliveries = 0

    def __len__(self) -> int:
        return len(self.wired) + len(self.ears)

    # -- what happens -----------------------------------------------------------------------------------------------------

    def say(self, sender: int, head: bytes, marks: int, text: bytes) -> None:
        """A message, the most common event: `head` is the size of the sender's name, and the name."""
        log = self.log
        if len(text) > Limits.message:  # bytes that are no text have grown in becoming it
            text = text[: Limits.message]
        if len(self.wired) + len(self.ears) == 2:
            marks |= Mark.TWO
        log.add(FIXED.pack(log.next, int(time.time() * 1000), SAID, marks) + head + text, sender)
        self.messages += 1
        self._touched(self)

    def happen(
        self, kind: Kind, name: str, text: str = "", marks: int = 0, sender: int = 0, audience: frozenset[object] | None = None
    ) -> None:
        """Any other event."""
        if kind in COMING_AND_GOING and len(self) >= CROWD:
            return
        if len(self) == 2 and kind not in (Kind.DID, Kind.LEFT):  # who has left was there as well
            marks |= Mark.TWO
        self.log.add(Event(self.log.next, int(time.time() * 1000), kind, marks, name, text).encode(), sender, audience)
        self._touched(self)

    # -- who hears of it --------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Bring everybody up to date, apart from those who do not read."""
        packed: dict[int, Sequence[bytes]] = {}
        log = self.log
        first, end, private = log.first, log.next, log.last_private
        for member in tuple(self.wired):
            at = member.at
            if at == end:
                continue
            if member.stream.full or at < first:
                member.fall_behind(self)
                continue
            records = packed.get(at)
            if records is None:
                if private >= at:
                    records = self._pack([Extension(EVENT, one.body) for one in log.since(at) if is_for(member, one)])
                else:
                    records = packed[at] = self._pack([Extension(EVENT, body) for body in log.bodies(at)])
            member.at = end
            self.deliveries += end - at
            member.deliver(records)
        if self._heard != end:
            if self.ears:
                self._tell_ears()
            self._heard = end
        log.trim()

    def _tell_ears(self) -> None:
        for entry in self.log.since(self._heard):
            event = Event.decode(entry.body)
            for ear in tuple(self.ears):
                if (ear.id != entry.sender or event.kind not in SEEN) and is_for(ear, entry):
                    ear.hear(event)


def is_for(somebody: "Ear | Member", entry: Entry) -> bool:
    return entry.audience is None or somebody.person in entry.audience
