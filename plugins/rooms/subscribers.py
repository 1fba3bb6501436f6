"""What a room needs from its members, so that it does not depend on their classes."""

from typing import Protocol

from plytalk.core.contracts.transport import Stream
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.plugins.rooms.event_log import EventLog
from plytalk.plugins.rooms.room_events import RoomEvent


class LineSubscriber(Protocol):
    """Somebody who hears lines. `id` is that of this connection, `person` the same for all connections of one key.

    `hears_own` says that it is told what it says itself, too. One that does not always read also says whether it is `full`, and
    is told that it has to `fall_behind` then. While one that `holds_back` the others is too far behind, nobody in the room is
    read from.
    """

    id: int
    name: str
    person: object
    hears_own: bool

    def hear(self, event: RoomEvent) -> None: ...


class EventMember(LineSubscriber, Protocol):
    """One that understands events. `at` is the next event it gets, `sent` the bytes before that."""

    at: int
    sent: int
    session: DirectChat
    stream: Stream

    def fall_behind(self, log: EventLog, at: int) -> None:
        """Note that it does not read, and stays at event `at` of its room."""
