"""How a member reconnects: its identity over all its connections, and the event from which it may be sent what it missed.

A resume begins at the first event that was sent to this key and instance in its last room, never earlier. What a client asks for
can only move the beginning later.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from plytalk.core.contracts.public_key import PublicKey

if TYPE_CHECKING:
    from plytalk.plugins.rooms.room import Room

MAX_INSTANCE = 64
"""The longest instance, in characters."""
MIN_SECRET = 16
"""The shortest instance of a client without a key, in characters, since one could guess it: 64 random bits in hexadecimal."""

Origin = tuple[str, str]
"""The identity of a speaker over all connections: the key, empty for none, and the instance that the client made up."""


class ReceivedCounts(NamedTuple):
    """How many messages a member has said, the room in which it was last, and the first event that it was sent there.

    `name`, `away` and `correspondent` are those of the member. All but the last are kept in a history.
    """

    messages: int
    room: str
    since: int = 0
    name: str = ""
    away: str | None = None
    correspondent: object = None


class Resume(NamedTuple):
    """A request to come back: where the client says that it was, and where it really was. `since` is 0 where it is unknown.

    `name` is how the member was called when it left, empty where that is unknown.
    """

    epoch: object
    last: int
    room: str
    since: int
    asked: bool
    """Whether the client named an event, so that something can be missing."""
    name: str

    @classmethod
    def of(cls, asked: Any, known: ReceivedCounts | None) -> "Resume":
        """What a client asks for, with what the server remembers of it."""
        room, since, name = (known.room, known.since, known.name) if known else ("", 0, "")
        last = asked.get("last") if isinstance(asked, dict) else None
        if not isinstance(last, int) or isinstance(last, bool):
            return cls("", 0, room, since, False, name)
        return cls(asked.get("epoch"), last, room, since, True, name)

    def from_the_start(self) -> "Resume":
        """The same, from the first event on that was sent in the last room."""
        return self._replace(last=0)

    def start(self, room: "Room", epoch: str) -> int | None:
        """The event to go on from; None where the member must begin like a newcomer."""
        at = max(self.last + 1, self.since)
        entitled = self.asked and self.epoch == epoch and self.room == room.name and self.since >= room.born
        return at if entitled and room.log.first <= at <= room.log.next else None


def origin_of(key: PublicKey | None, instance: object) -> Origin | None:
    """The identity of a client over all its connections; None if it cannot come back. Without a key it is the instance alone."""
    if not isinstance(instance, str) or not (1 if key else MIN_SECRET) <= len(instance) <= MAX_INSTANCE:
        return None
    return str(key or ""), instance
