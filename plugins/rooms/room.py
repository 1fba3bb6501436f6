"""A room: its members, its events, and how the events reach the members, once in each turn of the event loop.

There are two sorts of members. An `EventMember` gets events. All event members at the same position in the log get the same
records, which are packed once and sealed for each. A `LineSubscriber` gets lines of text: guests, and the person at the server.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from plytalk.core.contracts.items import Item
from plytalk.core.contracts.limits import DEFAULT_LIMITS, KIB, MIB
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.pipeline.broadcast import broadcast
from plytalk.core.pipeline.connection import Connection
from plytalk.plugins.rooms.budget import SENT, SLICE
from plytalk.plugins.rooms.event_log import NOTHING, EventLog, LogEntry, LogSize
from plytalk.plugins.rooms.room_events import FIXED, SEEN, Kind, RoomEvent, head_of
from plytalk.plugins.rooms.subscribers import EventMember, LineSubscriber

Pack = Callable[[Sequence[Item]], Iterable[bytes]]
COMING_AND_GOING = (Kind.JOINED, Kind.LEFT)
Packed = dict[tuple[int, int, frozenset[int]], Sequence[bytes]]
SAID = int(Kind.SAID)
CHUNK = 256 * KIB
"""The bytes sent at once to a member that is behind; the next ones follow when it has read these."""
JAM = 4 * MIB
"""If a member waits for more bytes than this only because others are served first, the server stops reading from the room."""
CROWD = 50
"""In a room of this many members or more, joins and leaves are not announced: they would outnumber the messages."""


class Speaker:
    """A participant with a name in a room."""

    __slots__ = ("head", "id", "key", "marks", "name", "room")
    hears_own = False
    id: int
    key: PublicKey | None
    name: str
    head: bytes
    marks: int
    room: "Room | None"

    def called(self, name: str) -> None:
        """Set the name."""
        self.name, self.head = name, head_of(name, self.digest)

    @property
    def digest(self) -> bytes:
        """The SHA-256 of its key; empty without a key."""
        return self.key.digest if self.key else b""

    def speak(self, text: str) -> None:
        """Send a message to the room."""
        if self.room is not None:
            self.room.say(self, text)
            self.room.touch()

    def charge(self, size: int) -> None:
        """Charge it for a message of this many bytes to the whole room."""


class Room:
    """`pack` turns items into the plaintexts of records; `touched` is called when there is something to flush.

    Events are numbered from `after` + 1. `entries` are the events that a history has kept.
    """

    def __init__(
        self,
        name: str,
        keep: int,
        pack: Pack,
        touched: "Callable[[Room], None]",
        after: int = 0,
        entries: Iterable[LogEntry] = (),
        together: LogSize | None = None,
    ) -> None:
        self.name, self.topic = name, ""
        self.log = EventLog(keep, after, together)
        self.born = after + 1
        """The number of its first event. An earlier room of this name had lower numbers."""
        for entry in entries:
            self.log.add(entry.body, entry.sender, entry.audience)
        self.event_members: dict[EventMember, None] = {}
        self._in_step: list[Connection] = []
        self._apart: dict[EventMember, None] = {}
        self.subscribers: dict[LineSubscriber, int | None] = {}
        """The next event of each line subscriber that is behind; None for one that keeps up."""
        self._heard = self.log.next
        self.is_jammed = False
        """Whether more is waiting than can be sent to all for now."""
        self.waiting: list[Callable[[], None]] = []
        """Callbacks of members that send faster than the others read: called when more has been sent to those."""
        self._pack, self._touched = pack, touched
        self.messages = self.deliveries = 0

    def __len__(self) -> int:
        return len(self.event_members) + len(self.subscribers)

    def __bool__(self) -> bool:
        return True  # also when it is empty: a member is in its room before it is counted there

    # -- what happens -----------------------------------------------------------------------------------------------------

    def touch(self) -> None:
        """Tell the server that there is something to flush."""
        self._touched(self)

    def say(self, speaker: Speaker, text: str) -> None:
        """Add a message, the most common event. The caller touches the room, once for everything in a read."""
        log, body = self.log, text.encode(errors="replace")
        if len(body) > DEFAULT_LIMITS.message:  # bytes that are not text grow when they become text
            body = body[: DEFAULT_LIMITS.message]
        speaker.charge(len(body))
        log.add(FIXED.pack(log.next, int(time.time() * 1000), SAID, speaker.marks) + speaker.head + body, speaker.id)
        self.messages += 1

    def happen(self, kind: Kind, sender: Speaker, text: str = "", audience: frozenset[object] | None = None) -> None:
        """Add any other event, and touch the room."""
        if kind in COMING_AND_GOING and len(self) >= CROWD:
            return
        event = RoomEvent(self.log.next, int(time.time() * 1000), kind, sender.marks, sender.name, text, sender.digest)
        self.log.add(event.encode(), sender.id, audience)
        self.touch()

    # -- who hears of it --------------------------------------------------------------------------------------------------

    def enter(self, member: EventMember, at: int) -> None:
        """Add an event member, which is sent the events from number `at` on."""
        self.event_members[member] = None
        self._apart[member] = None
        self._place(member, at)
        self.touch()

    def leave(self, member: LineSubscriber) -> None:
        """Remove a member."""
        self.subscribers.pop(member, None)
        if member in self.event_members:
            self._set_apart(member, 0)
            del self._apart[member], self.event_members[member]

    @property
    def lag(self) -> int:
        """The bytes that the slowest member has not been sent yet."""
        behind = [self.log.total - member.sent for member in self._apart]
        return max(*behind, *(self.log.size(at) for at in self.subscribers.values() if at), 0, 0)

    def least_lag(self, sender: EventMember) -> int:
        """Return the bytes that the fastest other member has not been sent: nobody need send faster than that one reads."""
        if len(self._in_step) > (sender in self.event_members and sender not in self._apart):
            return 0
        behind = [self.log.total - member.sent for member in self._apart if member is not sender]
        lines = [self.log.size(at) if at else 0 for subscriber, at in self.subscribers.items() if subscriber is not sender]
        return min((*behind, *lines), default=0)

    def catch_up(self, member: EventMember) -> None:
        """Send a member that is about to leave what the others have been sent, even if it reads slowly."""
        log, end = self.log, self._heard
        if member in self._apart and (at := max(member.at, log.first)) < end:
            member.at = end
            member.session.send_packed(self._records(at, end, self.log.hidden(at, end, member.person), {}))
        elif at := self.subscribers.get(member) or 0:
            self.subscribers[member] = end
            for entry in log.since(at):
                if entry.is_for(member.person):
                    member.hear(RoomEvent.decode(entry.body))

    def flush(self, left: int = SLICE) -> int:
        """Send every member that reads what it has not been sent, at most `left` bytes. Return how many are left.

        Most members are in step: they have been sent the same, and are sent the same now, at once. When the bytes are used up,
        the rest waits for the next turn of the event loop. Members in step, members apart and line subscribers get a third
        each; if all are in step, they get everything.
        """
        log, third = self.log, left // 3
        end, start = log.next, self._heard
        packed: Packed = {}
        if start != end:
            left -= self._tell_all(start, end, packed, left - third - third if self._apart or self.subscribers else left)
        for member in tuple(self._apart):
            left -= self._serve(member, end, packed, left - third if self.subscribers else left)
        self._heard = end
        lines = list(self.subscribers.items())
        if any(self.subscribers.values()):
            lines.sort(key=lambda each: each[1] or start)
        for subscriber, at in lines:
            if subscriber in self.subscribers and (at or start) < end:
                left -= self._tell(subscriber, at or start, left)
        if self._apart or any(self.subscribers.values()):
            self._wait_for_those_behind(end)
        else:
            log.trim()
            self.is_jammed = False
        if self.waiting and not self.is_jammed:  # each checks again whether it has to wait
            waiting, self.waiting = self.waiting, []
            for go_on in waiting:
                go_on()
        return left

    def _wait_for_those_behind(self, end: int) -> None:
        """Keep the events that members behind have not been sent. Continue with those that read, in the next turn."""
        log = self.log
        late: list[tuple[int, object]] = [(member.at, member.stream) for member in self._apart]
        late += [(at, subscriber) for subscriber, at in self.subscribers.items() if at]
        log.trim(min(at for at, _ in late))
        awaited = {at for at, reader in late if at < end and not getattr(reader, "full", False)}
        holding = {at for at, reader in late if getattr(reader, "holds_back", False)}
        self.is_jammed = max(map(log.size, awaited | holding), default=0) > JAM
        if awaited:
            self.touch()

    def _tell_all(self, start: int, end: int, packed: Packed, left: int) -> int:
        """Send the members in step their new events, as far as the bytes go. Return the number of bytes sent."""
        hidden = NOTHING
        if self.log.last_private >= start:
            hidden = self.log.hidden(start, end, None)
            told = {person for entry in self.log.since(start) for person in entry.audience or ()}
            for member in [member for member in self.event_members if member.person in told]:
                self._set_apart(member, start)
        if not self._in_step or not (events := self.log.items(start, end, hidden)):
            return 0
        records = packed[start, end, hidden] = tuple(self._pack(events))
        each = sum(map(len, records)) + SENT
        if len(self._in_step) > (most := max(1, left // each)):
            late = set(self._in_step[most:])
            del self._in_step[most:]
            for member in [member for member in self.event_members if member.session.connection in late]:
                self._apart[member] = None
                self._place(member, start)
        self.deliveries += (end - start - len(hidden)) * (count := len(self._in_step))
        if slow := broadcast(self._in_step, records, events if len(events) == 1 else ()):  # never several
            for member in [member for member in self.event_members if member.session.connection in slow]:
                self._set_apart(member, end)
        return each * count

    def _set_apart(self, member: EventMember, at: int) -> None:
        """Serve a member alone from event `at` on: it has a private event, or does not read."""
        if member not in self._apart:
            self._in_step.remove(member.session.connection)
            self._apart[member] = None
            self._place(member, at)

    def _place(self, member: EventMember, at: int) -> None:
        member.at, member.sent = at, self.log.total - self.log.size(at)

    def _serve(self, member: EventMember, end: int, packed: Packed, left: int) -> int:
        """Send a member its events, as far as it reads and the bytes go. Return the number of bytes sent."""
        sent = 0
        while member in self._apart and (at := member.at) < end:
            if member.stream.full or at < self.log.first:
                member.fall_behind(self.log, at)
                return sent
            if sent >= left:
                return sent
            until, size = self.log.part(at, CHUNK)
            hidden = self.log.hidden(at, until, member.person)
            member.at, member.sent, sent = until, member.sent + size, sent + size + SENT
            self.deliveries += until - at - len(hidden)
            if records := self._records(at, until, hidden, packed):
                member.session.send_packed(records)
        if member in self._apart and not member.stream.full:  # it may have left in the meantime
            del self._apart[member]
            self._in_step.append(member.session.connection)
        return sent

    def _records(self, at: int, end: int, hidden: frozenset[int], packed: Packed) -> Sequence[bytes]:
        """Return events `at` to `end` - 1, without the hidden ones, as the plaintexts of records. They are packed once."""
        if (at, end, hidden) not in packed:
            events = self.log.items(at, end, hidden)
            packed[at, end, hidden] = tuple(self._pack(events)) if events else ()
        return packed[at, end, hidden]

    def _tell(self, subscriber: Any, at: int, left: int) -> int:
        """Send a line subscriber its events, as far as it reads and the bytes go. Return the number of bytes sent."""
        sent = 0
        for number, entry in enumerate(self.log.since(at), max(at, self.log.first)):
            if getattr(subscriber, "full", False) or at < self.log.first:
                self.subscribers[subscriber] = number
                subscriber.fall_behind(self.log, at if at < self.log.first else number)
                return sent
            if sent >= left:
                self.subscribers[subscriber] = number
                return sent
            sent += len(entry.body) + SENT
            event = RoomEvent.decode(entry.body)
            seen = subscriber.id == entry.sender and event.kind in SEEN and not subscriber.hears_own
            if not seen and entry.is_for(subscriber.person):
                subscriber.hear(event)
            if subscriber not in self.subscribers:
                return sent
        self.subscribers[subscriber] = None
        return sent
