"""Members that may reconnect: the current connection of each, and the counts of those that left."""

from collections import OrderedDict
from collections.abc import Container
from typing import TYPE_CHECKING, Any

from plytalk.plugins.rooms.member import Member
from plytalk.plugins.rooms.outbox import SpeakingMember
from plytalk.plugins.rooms.resume import Origin, ReceivedCounts, Resume
from plytalk.plugins.rooms.room import Room

if TYPE_CHECKING:
    from plytalk.plugins.rooms.history import History  # brings a database, which most servers need not

REMEMBERED = 10_000
"""The number of members that left and are remembered."""


class Returning:
    """Starts with the members in `history`, and deletes from it those that it forgets."""

    def __init__(self, history: "History | None") -> None:
        self._history = history
        self._present: dict[Origin, Member] = {}
        self._replaced: Member | None = None
        self._taken: OrderedDict[Origin, ReceivedCounts] = OrderedDict(history.taken() if history else ())

    def come(self, member: Member, resume: Any) -> Resume | None:
        """Note that a member has come. Return its request to resume, if it has one, with what is remembered of the member."""
        if not (origin := member.origin):
            return None if resume is None else Resume.of(resume, None)
        if old := self._present.get(origin):  # its earlier connection has not ended yet, and is replaced
            self._replaced = old
            old.session.stream.close()
            old.session.exit()
            self._replaced = None
        known = self._taken.pop(origin, None)
        self._present[origin] = member
        member.taken = 0
        if resume is None:
            return None
        if known:
            member.taken, member.away, member.correspondent = known.messages, known.away, known.correspondent
        return Resume.of(resume, known)

    def is_replaced(self, member: Member) -> bool:
        """Whether this connection ends because its member has reconnected over another one."""
        return member is self._replaced

    def leave(self, member: Member) -> None:
        """Note that a member has left. If it can reconnect, remember its counts."""
        if not (origin := member.origin) or self._present.get(origin) is not member:
            return
        del self._present[origin]
        if member.room:
            self._taken[origin] = state_of(member, member.room)
            while len(self._taken) > REMEMBERED:
                self._forget(self._taken.popitem(last=False)[0])

    def taken_of(self, member: SpeakingMember) -> ReceivedCounts | None:
        """Return the counts of a member that is here, or has just left."""
        if member.room:
            return state_of(member, member.room)
        return self._taken.get(member.origin) if member.origin else None

    def forget(self, member: Member) -> None:
        """Forget a member that was removed, so that it cannot resume."""
        if origin := member.origin:
            self._present.pop(origin, None)
            member.origin = None
            self._forget(origin)

    def forget_keys(self, keys: Container[str]) -> None:
        """Forget the members with these keys that are away."""
        for origin in [origin for origin in self._taken if origin[0] in keys]:
            del self._taken[origin]
            self._forget(origin)

    def _forget(self, origin: Origin) -> None:
        if self._history:
            self._history.forget(origin)


def state_of(member: SpeakingMember, room: Room) -> ReceivedCounts:
    """Return what is remembered of a member in this room."""
    return ReceivedCounts(member.taken, room.name, member.since, member.name, member.away, member.correspondent)
