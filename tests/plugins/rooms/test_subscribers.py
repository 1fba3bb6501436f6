"""What a room asks of those in it: a class that has this much, and knows nothing else of rooms, is told what happens there."""

from crowd import speaker

from plytalk.plugins.rooms.room import Room
from plytalk.plugins.rooms.room_events import Kind, RoomEvent
from plytalk.plugins.rooms.subscribers import LineSubscriber
from plytalk.plugins.rooms.ui_events import plain_line


class Scribe:
    """It writes down what it hears."""

    hears_own = False

    def __init__(self, id: int, name: str) -> None:
        self.id, self.name, self.person = id, name, name
        self.written: list[str] = []

    def hear(self, event: RoomEvent) -> None:
        self.written.append(plain_line(event, self.name))


def test_one_that_has_what_a_room_asks_for_hears_the_room_and_the_private_words_for_it() -> None:
    room = Room("lobby", 10, lambda items: [], lambda _: None)
    one, other = Scribe(1, "one"), Scribe(2, "other")
    for scribe in (one, other):
        subscriber: LineSubscriber = scribe
        room.subscribers[subscriber] = None
    room.happen(Kind.JOINED, speaker("one", 1))
    room.happen(Kind.TOLD, speaker("two", 3), '{"to": "other", "text": "psst"}', audience=frozenset(("other",)))
    room.happen(Kind.DID, speaker("two", 3), "waves")
    room.flush()
    assert one.written == ["* two waves"]
    assert other.written == ["* [one] is here.", "two, to you alone: psst", "* two waves"]
