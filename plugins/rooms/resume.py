"""How a member resumes: its identity over all its connections, and the first missed event that it may be sent.

A resume never begins before the first event that was sent to this key and instance in its last room. A client can only ask for
a later beginning.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from plytalk.core.contracts.public_key import PublicKey

if TYPE_CHECKING:
    from plytalk.plugins.rooms.room import Room

MAX_INSTANCE = 64
"""The longest instance, in characters."""
MIN_SECRET = 16
"""The shortest instance of a client without a key, in characters. It must be hard to guess: 64 random bits in hexadecimal."""

Origin = tuple[str, str]
"""The identity of a member over all connections: its key, empty for none, and an instance chosen by the client."""


class ReceivedCounts(NamedTuple):
    """The number of a member's messages, its last room, and the first event that it was sent there.

    `name`, `away` and `correspondent` are those of the member. All but the last are stored in a history.
    """

    messages: int
    room: str
    since: int = 0
    name: str = ""
    away: str | None = None
    correspondent: object = None


class Resume(NamedTuple):
    """A request to resume: the position that the client claims, and the one that the server knows. `since` is 0 if unknown.

    `name` is the member's name when it left; empty if unknown.
    """

    epoch: object
    last: int
    room: str
    since: int
    asked: bool
    """Whether the client named an event, so that events may be missing."""
    name: str

    @classmethod
    def of(cls, asked: Any, known: ReceivedCounts | None) -> "Resume":
        """Combine a client's request with what the server remembers."""
        room, since, name = (known.room, known.since, known.name) if known else ("", 0, "")
        last = asked.get("last") if isinstance(asked, dict) else None
        if not isinstance(last, int) or isinstance(last, bool):
            return cls("", 0, room, since, False, name)
        return cls(asked.get("epoch"), last, room, since, True, name)

    def from_the_start(self) -> "Resume":
        """Return the same from the first event that was sent in the last room."""
        return self._replace(last=0)

    def start(self, room: "Room", epoch: str) -> int | None:
        """Return the event to continue from; None if the member must start as a newcomer."""
        at = max(self.last + 1, self.since)
        entitled = self.asked and self.epoch == epoch and self.room == room.name and self.since >= room.born
        return at if entitled and room.log.first <= at <= room.log.next else None


def origin_of(key: PublicKey | None, instance: object) -> Origin | None:
    """Return the identity of a client over all its connections; None if it cannot resume. Without a key, only the instance
    counts.
    """
    if not isinstance(instance, str) or not (1 if key else MIN_SECRET) <= len(instance) <= MAX_INSTANCE:
        return None
    return str(key or ""), instance
