"""What one turn of the event loop, or a read from a lone speaker, has brought about: kept in the history first, then acknowledged
and delivered.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from plytalk.core.contracts.errors import ChatError
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.plugins.rooms.budget import SLICE
from plytalk.plugins.rooms.resume import Origin, ReceivedCounts
from plytalk.plugins.rooms.room import Room
from plytalk.trust.store_errors import StoreError

if TYPE_CHECKING:
    from plytalk.plugins.rooms.history import History


class SpeakingMember(Protocol):
    """A member that is told how much it has said has been taken; `owes` says that this is to be done at the end of the turn.

    One that is `parting` has said goodbye.
    """

    origin: Origin | None
    room: Room | None
    session: DirectChat
    since: int
    taken: int
    owes: bool
    parting: bool

    def acknowledge(self) -> None: ...

    def settle(self) -> None: ...


class Outbox:
    """`taken_of` says how much a member has said, for `history`; where that cannot keep any more, `end` ends the server.

    `delivered` is called after each delivery: the hub sets it, once it has rooms.
    """

    def __init__(
        self,
        history: "History | None",
        end: Callable[[ChatError], None],
        taken_of: Callable[[SpeakingMember], ReceivedCounts | None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._history, self._end, self._taken_of = history, end, taken_of
        self.delivered: Callable[[], None] = lambda: None
        self._turn_ends = self._keep_and_deliver if history else self._deliver
        self._owing: list[SpeakingMember] = []
        self._entered: list[SpeakingMember] = []
        self._rooms: dict[Room, None] = {}
        self._turn_will_end = self._delivers = False
        self._last_speaker = 0
        self.waits_for_read = False
        """Whether what is said now is sent by `read_done`, which follows."""

    def touch(self, room: Room) -> None:
        """Something is to be sent to a room: at the end of this turn, with all else that happens in it."""
        self._rooms[room] = None
        if not self.waits_for_read:
            self._wait_for_end_of_turn()

    def _wait_for_end_of_turn(self) -> None:
        if not self._turn_will_end:
            self._turn_will_end = True
            self._loop.call_soon(self._turn_ends)

    def read_done(self, speaker: int, parting: bool) -> None:
        """A member has been read from. Where it alone has spoken since the last time, what it said goes out at once.

        A member is read from once in a turn at most, so nothing of others waits that could go out with it.
        """
        if not self._rooms:
            return
        alone, self._last_speaker = self._last_speaker == speaker, speaker
        if alone and not (self._turn_will_end or self._delivers or parting):
            self._turn_ends()
        else:
            self._wait_for_end_of_turn()

    def owe(self, member: SpeakingMember) -> None:
        """A member is to be told at the end of this turn how much of what it said has been taken."""
        if not member.owes:
            member.owes = True
            self._owing.append(member)

    def enter(self, member: SpeakingMember) -> bool:
        """Keep that a member is in a room now, and what its welcome speaks of. False where that failed, and the server ends."""
        if self._history is None:
            return True
        self._entered.append(member)
        return self.keep()

    def keep(self) -> bool:
        """Have all that has happened in the file, before anybody is told. False where that is not so, and the server ends."""
        if self._history is None:
            return True
        members = dict.fromkeys((*self._owing, *self._entered))
        spoken = [(member.origin, taken) for member in members if member.origin and (taken := self._taken_of(member))]
        try:
            self._history.write(self._rooms, spoken)
        except StoreError as error:
            self._end(error)
            return False
        self._entered.clear()
        return True

    def close(self) -> None:
        """Write what is not in the history yet, and close it."""
        if self._history:
            self.keep()
            self._history.close()
            self._history = None

    def _keep_and_deliver(self) -> None:
        if self.keep():
            self._deliver()

    def _deliver(self) -> None:
        self._turn_will_end, self._delivers = False, True
        owing, self._owing = self._owing, []
        for member in owing:
            member.acknowledge()
        try:
            self._send()
        finally:
            self._delivers = False
        for member in owing:
            member.owes = False
            if (connection := member.session.connection).pending:
                connection.flush()
            if member.parting:
                member.settle()
        self.delivered()

    def _send(self) -> None:
        """Send SLICE bytes, and the rest in the next turns: first to rooms that have waited. Each is first at times."""
        rooms, self._rooms = iter(self._rooms), {}
        left = SLICE
        for room in rooms:
            left = room.flush(left)
            if left <= 0:
                break
        again, self._rooms = tuple(self._rooms), {}
        for room in (*rooms, *again[1:], *again[:1]):
            self.touch(room)
