"""What happened in a room: numbered from 1, kept for a while, each member a position."""

import pytest

from plytalk.plugins.rooms import log as logs
from plytalk.plugins.rooms.event_log import Log


def filled(count: int, keep: int = 10, after: int = 0) -> Log:
    log = Log(keep, after)
    for number in range(count):
        log.add(b"%d" % (after + 1 + number), sender=number)
        log.trim()
    return log


def test_events_are_numbered_from_one() -> None:
    log = filled(3)
    assert (log.first, log.next) == (1, 4)
    assert log.bodies(1) == [b"1", b"2", b"3"]
    assert log.bodies(3) == [b"3"]
    assert log.bodies(4) == []
    assert [entry.sender for entry in log.since(2)] == [1, 2]


def test_or_from_where_another_ended() -> None:
    log = filled(2, after=500)
    assert (log.first, log.next) == (501, 503)
    assert log.bodies(502) == [b"502"]
    assert log.bodies(1) == [b"501", b"502"]


@pytest.mark.parametrize("count", [10, 36, 37, 1000])
def test_at_least_so_many_are_kept_and_not_many_more(count: int) -> None:
    log = filled(count)
    assert log.next == count + 1
    assert min(count, 10) <= log.next - log.first <= 36
    assert log.bodies(log.first) == [b"%d" % number for number in range(log.first, count + 1)]
    assert log.bodies(1) == log.bodies(log.first)


def test_nothing_is_forgotten_before_a_turn_is_over() -> None:
    log = Log(1)
    for number in range(100):
        log.add(b"%d" % number)
    assert len(log.bodies(1)) == 100
    log.trim()
    assert (log.first, log.next, log.bodies(1)) == (100, 101, [b"99"])


def test_of_long_ones_fewer_are_kept_but_the_last_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 1000)
    log = Log(10)
    for number in range(30):
        log.add(bytes([number]) * 300)
        log.trim()
        assert sum(map(len, log.bodies(log.first))) <= 1000
        assert log.bodies(log.next - 1) == [bytes([number]) * 300]
    log.add(bytes(5000))
    log.trim()
    assert log.bodies(log.first) == [bytes(5000)]
    assert log.total == 30 * 300 + 5000


def test_the_last_private_one_is_remembered() -> None:
    log = filled(2)
    assert log.last_private == 0
    log.add(b"psst", 1, frozenset(("alice", "bob")))
    log.add(b"all")
    assert log.last_private == 3
    assert log.since(3)[0].audience == {"alice", "bob"}
