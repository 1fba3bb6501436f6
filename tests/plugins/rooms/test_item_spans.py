"""What the bytes of events and of the rooms' JSON objects are called."""

from plytalk.core.contracts.spans import Passed, describe
from plytalk.plugins.features.rooms import Rooms
from plytalk.plugins.rooms.room_events import EVENT, ROOM, Kind, Mark, RoomEvent, write

KEY = bytes(range(32))
MARKS = Mark.NO_KEY | Mark.OPERATOR


def described(kind: int, body: bytes) -> list[tuple[str, int, str]]:
    return [(span.name, span.size, span.value) for span in describe(Rooms(), Passed(body, bytes([kind])))]


def test_each_byte_of_an_event_has_a_name() -> None:
    assert described(EVENT, RoomEvent(7, 1_700_000_000_123, Kind.SAID, MARKS, "alice", "Hi!", KEY).encode()) == [
        ("id", 8, "7"),
        ("time", 8, "2023-11-14 22:13:20.123+00:00"),
        ("kind", 1, "1 said"),
        ("marks", 1, "no key, operator"),
        ("key's length", 1, "32"),
        ("key", 32, "SHA256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"),
        ("name's length", 1, "5"),
        ("name", 5, "alice"),
        ("text", 3, "Hi!"),
    ]


def test_what_is_not_the_words_of_a_member_is_not_called_its_text() -> None:
    assert described(EVENT, RoomEvent(1, 0, Kind.TOPIC, 0, "alice", "tea").encode())[-1] == ("details", 3, "tea")


def test_an_event_that_is_cut_off_is_described_as_far_as_it_goes() -> None:
    whole = RoomEvent(7, 1, Kind.SAID, 0, "alice", "Hi!", KEY).encode()
    for size in range(1, len(whole)):
        spans = described(EVENT, whole[:size])
        assert sum(size for _, size, _ in spans) == size
        assert all(name for name, _, _ in spans)


def test_a_json_object_is_named_by_what_it_does() -> None:
    body = write(do="join", room="lobby")
    assert described(ROOM, body) == [("JSON object `join`", len(body), body.decode())]
    assert described(ROOM, b"[]") == [("JSON object", 2, "[]")]


def test_an_item_of_another_type_is_left_to_other_features() -> None:
    assert described(42, b"abc") == [("", 3, "")]
