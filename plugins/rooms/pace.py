"""The pace of a member: the server stops reading from one that sends too much, or does not read what it is sent."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol

from plytalk.core.contracts.items import CloseReason, Ping
from plytalk.core.contracts.limits import KIB
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.plugins.rooms.budget import COMMAND, DELIVERED, ITEM, PIECE, RECORD, TURN, Budget, Rates, Turns, Unfinished
from plytalk.plugins.rooms.command_member import CommandMember
from plytalk.plugins.rooms.event_log import EventLog
from plytalk.plugins.rooms.outbox import Outbox
from plytalk.plugins.rooms.remote_peer import source_for
from plytalk.plugins.rooms.room import Room
from plytalk.plugins.rooms.room_events import RoomEvent

PATIENCE = 10.0
"""How often the server checks how much a slow member has read, in seconds."""
SLOWEST = 4 * KIB
"""The bytes per second that a slow member must have read since the last check. One that has read less is removed."""
UNREAD_BYTES = 512 * KIB
"""If more bytes than this wait for a member, the server stops reading from it."""
ASK = 5.0
"""How often a member whose budget is used up is pinged, in seconds."""
UNREAD = "you did not read what was sent to you"


class PaceHub(Protocol):
    """What all members of a server share. `loud` is the number of members that wait because they sent too many bytes."""

    loop: asyncio.AbstractEventLoop
    rates: Rates
    turns: Turns
    unfinished: Unfinished
    outbox: Outbox
    queue: int
    loud: int

    def start(self, work: Coroutine[Any, Any, None]) -> None: ...

    def drop(self, member: Any, why: str, reason: CloseReason) -> None: ...


class PacedSpeaker(CommandMember):
    """A speaker over a connection that is read no faster than its budget allows.

    `at` is the number of the next event it gets, `sent` the bytes of all events before that. `person` is the same for all
    connections of one key. What members of one `source` leave unfinished counts together. `parting` says that it said goodbye.
    """

    __slots__ = (
        "_asked",
        "_behind",
        "_held",
        "_hub",
        "_loud",
        "_pause",
        "_unfinished",
        "at",
        "budget",
        "parting",
        "sent",
        "session",
        "source",
        "stream",
    )

    def __init__(self, hub: PaceHub, session: DirectChat, person: object) -> None:
        self._hub, self.session, self.stream, self.person = hub, session, session.stream, person
        self.source = source_for(session.stream.peer, person)
        self.room: Room | None = None
        self.at = self.sent = self._unfinished = 0
        self._held = self._loud = self._behind = self.parting = False
        self._asked = hub.loop.time()
        self.budget = Budget(hub.rates, self._asked)
        self._pause: asyncio.TimerHandle | None = None

    # -- what it sends (`Meter`) ------------------------------------------------------------------------------------------

    def records(self, count: int, size: int, items: int) -> None:
        budget, room, turns = self.budget, self.room, self._hub.turns
        if budget.expected:
            asked = min(size, budget.expected)
            budget.expected -= asked
            size -= asked
        work = RECORD * count + size // PIECE
        budget.work -= work
        turns.spend(work + items)  # the member's own budget is charged for each item as it is read
        budget.octets -= size
        if items < count:
            budget.requests -= ITEM * (count - items)
        if budget.work < 0 or budget.octets < 0 or budget.requests < 0 or turns.left < 0 or (room is not None and room.is_jammed):
            self._stop_if_over()

    def _work(self, work: float) -> None:
        self.budget.work -= work
        self._hub.turns.spend(work)

    def charge(self, size: int) -> None:
        if (room := self.room) is not None:
            work = (len(room.event_members) + len(room.subscribers)) * size / DELIVERED
            self.budget.work -= work
            self._hub.turns.left -= work

    def item(self) -> None:
        if self.budget.awaited:
            self.budget.awaited -= 1
            return
        self.budget.requests -= ITEM
        self._work(COMMAND)
        if self.budget.requests < 0 or self.budget.work < 0 or self.stream.buffered > UNREAD_BYTES:
            self._stop_if_over()

    def expect(self, size: int, items: int) -> None:
        """Do not charge the member for this many bytes and items, which the server has asked for."""
        self.budget.expected += size
        self.budget.awaited += items

    def expect_at_most(self, size: int, items: int) -> None:
        """Reduce what is expected to this: no more is to come."""
        self.budget.expected = min(self.budget.expected, size)
        self.budget.awaited = min(self.budget.awaited, items)

    def kept(self, size: int) -> None:
        if size != self._unfinished and not self.session.ending:  # after the end, nothing is kept
            self._unfinished = size
            self._hub.unfinished.note(self, size, self.source)
        self._hub.outbox.read_done(self.id, self.parting)

    def _stop_if_over(self) -> None:
        """If the budget is used up, or the member does not read, stop reading from it until that has changed."""
        if self._held or self.session.ending:
            return
        hub, room = self._hub, self.room
        crowd = room is None or len(room) > 2
        delay = self.budget.refill(hub.rates, hub.loop.time(), crowd, hub.loud)
        if self.stream.buffered > UNREAD_BYTES:
            self._wait_for_reader()
        elif delay > 0:
            if self.budget.octets < 0:
                self._loud = True
                hub.loud += 1
            self._pause = hub.loop.call_later(delay, self._go_on)
            self._ask_whether_it_is_there()
        elif room and (room.is_jammed or room.least_lag(self) > UNREAD_BYTES):
            room.waiting.append(self._go_on)
        elif self.budget.work < 0:
            hub.turns.wait(self._take_turn)
        elif hub.turns.left < 0:
            self.budget.work = min(self.budget.work, COMMAND)  # with what it had left it would keep all others waiting
            hub.turns.wait_for_refill(self._go_on)
        else:
            return
        self._held = True
        self.session.stop_reading()

    def _ask_whether_it_is_there(self) -> None:
        """Ping it: while nothing is read from a connection, only sending shows that the peer has gone."""
        now = self._hub.loop.time()
        if now - self._asked > ASK and self.session.stack.make_messages.layer.extensible:
            self._asked = now
            self.session.send_item(Ping())

    def _take_turn(self) -> None:
        self.budget.work = min(TURN, self.budget.work + TURN)  # more work takes more turns
        self._go_on()

    def _go_on(self) -> None:
        self._end_pause()
        self._held = False
        self._stop_if_over()
        if not self._held:
            self.session.read_on()

    def _end_pause(self) -> None:
        if self._pause:
            self._pause.cancel()  # the timer would keep a member that has left
            self._pause = None
        if self._loud:
            self._loud = False
            self._hub.loud -= 1

    # -- what it reads ----------------------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether nothing more is sent until it reads."""
        return self.stream.full

    @property
    def is_behind(self) -> bool:
        """Whether it reads too slowly, and is sent events only when it has read the earlier ones."""
        return self._behind

    def hear(self, event: RoomEvent) -> None:
        """Send an event as a line, if this member has no events."""

    def fall_behind(self, log: EventLog, at: int) -> None:
        """Leave a member that does not read at event `at` until it reads. If it is too far behind, drop it."""
        if log.first > at or log.size(at) > self._hub.queue:
            self._hub.drop(self, UNREAD, CloseReason.TOO_SLOW)
        else:
            self._wait_for_reader()

    def _wait_for_reader(self) -> None:
        if not self._behind:
            self._behind = True
            self._hub.start(self._catch_up())

    def _progress(self) -> tuple[int, object]:
        """Return the bytes that it has not read, including those in the system's buffers, and its position in the room, which
        changes only when it reads.
        """
        return self.stream.undelivered, (self.at, self.room and self.room.subscribers.get(self))

    async def _catch_up(self) -> None:
        """Wait until it has read what was sent, as long as it keeps reading."""
        stream, (left, at) = self.stream, self._progress()
        try:
            while stream.full and not self.session.ending:
                with suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE):
                        await stream.drained()
                (before, was_at), (left, at) = (left, at), self._progress()
                if stream.full and at == was_at and before - left < max(1, PATIENCE * SLOWEST):
                    self._hub.drop(self, UNREAD, CloseReason.TOO_SLOW)
        finally:
            self._behind = False
        if self.room:
            self._hub.outbox.touch(self.room)
        if self._held:
            self._go_on()
