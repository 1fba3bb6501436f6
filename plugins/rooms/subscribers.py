"""What a room needs from its members, so that it does not depend on their classes."""

from typing import Protocol

from plytalk.core.contracts.transport import Stream
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.plugins.rooms.event_log import EventLog
from plytalk.plugins.rooms.room_events import RoomEvent


class LineSubscriber(Protocol):
    """A participant that gets lines. `id` is that of this connection; `person` is the same for all connections of one key.

    With `hears_own`, it also gets its own lines. A participant that may not read says so by `full`; the room then calls
    `fall_behind`. While one with `holds_back` is too far behind, the server reads from nobody in the room.
    """

    id: int
    name: str
    person: object
    hears_own: bool

    def hear(self, event: RoomEvent) -> None: ...


class EventMember(LineSubscriber, Protocol):
    """A member that gets events. `at` is the number of its next event, and `sent` the bytes of those before it."""

    at: int
    sent: int
    session: DirectChat
    stream: Stream

    def fall_behind(self, log: EventLog, at: int) -> None:
        """Note that it does not read, and stays at event `at`."""
