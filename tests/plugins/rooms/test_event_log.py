"""What happened in a room: numbered from 1, kept for a while, each member a position."""

import pytest

from plytalk.plugins.rooms import event_log as logs
from plytalk.plugins.rooms.event_log import EventLog


def filled(count: int, keep: int = 10, after: int = 0) -> EventLog:
    event_log = EventLog(keep, after)
    for number in range(count):
        event_log.add(b"%d" % (after + 1 + number), sender=number)
        event_log.trim()
    return event_log


def bodies(event_log: EventLog, at: int) -> list[bytes]:
    return [item.body for item in event_log.items(at, event_log.next)]


def test_events_are_numbered_from_one() -> None:
    event_log = filled(3)
    assert (event_log.first, event_log.next) == (1, 4)
    assert bodies(event_log, 1) == [b"1", b"2", b"3"]
    assert bodies(event_log, 3) == [b"3"]
    assert bodies(event_log, 4) == []
    assert [entry.sender for entry in event_log.since(2)] == [1, 2]


def test_or_from_where_another_ended() -> None:
    event_log = filled(2, after=500)
    assert (event_log.first, event_log.next) == (501, 503)
    assert bodies(event_log, 502) == [b"502"]
    assert bodies(event_log, 1) == [b"501", b"502"]


@pytest.mark.parametrize("count", [10, 36, 37, 1000])
def test_at_least_so_many_are_kept_and_not_many_more(count: int) -> None:
    event_log = filled(count)
    assert event_log.next == count + 1
    assert min(count, 10) <= event_log.next - event_log.first <= 36
    assert bodies(event_log, event_log.first) == [b"%d" % number for number in range(event_log.first, count + 1)]
    assert bodies(event_log, 1) == bodies(event_log, event_log.first)


def test_nothing_is_forgotten_before_a_turn_is_over() -> None:
    event_log = EventLog(1)
    for number in range(100):
        event_log.add(b"%d" % number)
    assert len(bodies(event_log, 1)) == 100
    event_log.trim()
    assert (event_log.first, event_log.next, bodies(event_log, 1)) == (100, 101, [b"99"])


def test_of_long_ones_fewer_are_kept_but_the_last_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 1000)
    event_log = EventLog(10)
    for number in range(30):
        event_log.add(bytes([number]) * 300)
        event_log.trim()
        assert sum(map(len, bodies(event_log, event_log.first))) <= 1000
        assert bodies(event_log, event_log.next - 1) == [bytes([number]) * 300]
    event_log.add(bytes(5000))
    event_log.trim()
    assert bodies(event_log, event_log.first) == [bytes(5000)]
    assert event_log.total == 30 * 300 + 5000


def test_the_last_private_one_is_remembered() -> None:
    event_log = filled(2)
    assert event_log.last_private == 0
    event_log.add(b"psst", 1, frozenset(("alice", "bob")))
    event_log.add(b"all")
    assert event_log.last_private == 3
    assert event_log.since(3)[0].audience == {"alice", "bob"}
