"""Sends what happened in one turn of the event loop, or in one read from a lone speaker: it is written to the history first, then
acknowledged and delivered.

    IDLE --- a member says something ----------------------------------------------------> READING
    IDLE --- anything else happens ------------------------------------------------------> ENDING
    READING --- the read is over, and the one before it was the same speaker's ----------> DELIVERING
    READING --- the read is over, and the one before it was not, or it said goodbye -----> ENDING
    ENDING --- the turn of the event loop is over ---------------------------------------> DELIVERING
    DELIVERING --- all is sent ----------------------------------------------------------> IDLE
    DELIVERING --- bytes are left over, or something has happened meanwhile -------------> ENDING
"""

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from plytalk.core.contracts.errors import ChatError
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.plugins.rooms.budget import SLICE
from plytalk.plugins.rooms.resume import Origin, ReceivedCounts
from plytalk.plugins.rooms.room import Room
from plytalk.trust.store_errors import StoreError

if TYPE_CHECKING:
    from plytalk.plugins.rooms.history import History


class Turn(Enum):
    """The state of an outbox in a turn of the event loop. The transitions are at the top of this file."""

    IDLE = "nothing is to be sent"
    READING = "a member is read from, and what it says is sent after that"
    ENDING = "all is sent at the end of the turn"
    DELIVERING = "it is being sent"


IDLE, READING, ENDING, DELIVERING = Turn  # on Python 3.11, looking them up in the class takes longer


class SpeakingMember(Protocol):
    """A member whose messages are acknowledged. `owes`: some are not acknowledged yet. `parting`: it has said goodbye."""

    origin: Origin | None
    name: str
    away: str | None
    correspondent: object
    room: Room | None
    session: DirectChat
    since: int
    taken: int
    owes: bool
    parting: bool

    def acknowledge(self) -> None: ...

    def settle(self) -> None: ...


class Outbox:
    """`taken_of` gives the number of a member's messages, for `history`. If that cannot be written, `end` ends the server."""

    def __init__(
        self,
        history: "History | None",
        end: Callable[[ChatError], None],
        taken_of: Callable[[SpeakingMember], ReceivedCounts | None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._history, self._end, self._taken_of = history, end, taken_of
        self._owing: list[SpeakingMember] = []
        self._entered: list[SpeakingMember] = []
        self._rooms: dict[Room, None] = {}
        self._turn = IDLE
        self._last_speaker = 0

    def touch(self, room: Room) -> None:
        """Send a room its new events at the end of this turn, or of the current read, with everything else."""
        self._rooms[room] = None
        if self._turn is IDLE:
            self._end_turn()

    def _end_turn(self) -> None:
        self._turn = ENDING
        self._loop.call_soon(self._keep_and_deliver)

    def note_speaker(self, member: SpeakingMember, room: Room) -> None:
        """A member said something in this room: send it after the current read, and acknowledge it once it is in the history."""
        member.owes = True
        self._owing.append(member)
        self._rooms[room] = None
        if self._turn is IDLE:
            self._turn = READING

    def read_done(self, speaker: int, parting: bool) -> None:
        """A read from a member has ended. If no other member has spoken since its last read, send at once what it said.

        Each member is read from at most once in a turn, so there is nothing of others to send with it.
        """
        if not self._owing:
            return
        alone, self._last_speaker = self._last_speaker == speaker, speaker
        if self._turn is READING:
            if alone and not parting:
                self._keep_and_deliver()
            else:
                self._end_turn()

    def enter(self, member: SpeakingMember) -> bool:
        """Write to the history that a member is in a room. Return False if that failed and the server ends."""
        if self._history is None:
            return True
        self._entered.append(member)
        return self.keep()

    def keep(self) -> bool:
        """Write everything that happened to the history, before anybody is told. False if that failed and the server ends."""
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
        """Write the rest to the history, and close it."""
        if self._history:
            self.keep()
            self._history.close()
            self._history = None

    def _keep_and_deliver(self) -> None:
        self._turn = DELIVERING
        if self._history and not self.keep():
            return
        owing, self._owing = self._owing, []
        for member in owing:
            member.owes = False
            member.acknowledge()
        try:
            self._send()
        finally:
            self._turn = IDLE
            if self._rooms or self._owing:
                self._end_turn()
        for member in owing:
            if (connection := member.session.connection).pending:
                connection.flush()
            if member.parting:
                member.settle()

    def _send(self) -> None:
        """Send SLICE bytes, and the rest in the next turns. Rooms that have waited come first, and the order rotates."""
        rooms, self._rooms = iter(self._rooms), {}
        left = SLICE
        for room in rooms:
            left = room.flush(left)
            if left <= 0:
                break
        again = tuple(self._rooms)
        self._rooms = dict.fromkeys((*rooms, *again[1:], *again[:1]))
