"""Addresses whose handshakes keep failing have to wait, and nobody else has to."""

import pytest

from plytalk.core import penalties
from plytalk.core.penalties import Penalties, place_of


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def few(clock: Clock) -> Penalties:
    return Penalties(clock, failures=3, window=60, penalty=30)


def fail(few: Penalties, place: str, times: int) -> None:
    for _ in range(times):
        few.failed(place)


def test_who_fails_too_often_waits_and_nobody_else(few: Penalties) -> None:
    fail(few, "192.0.2.1", 2)
    assert not few.waits("192.0.2.1")
    fail(few, "192.0.2.1", 1)
    assert few.waits("192.0.2.1")
    assert not few.waits("192.0.2.2")


def test_the_wait_ends_and_is_not_prolonged_by_what_had_begun_before(few: Penalties, clock: Clock) -> None:
    fail(few, "192.0.2.1", 3)
    clock.seconds = 29.9
    assert few.waits("192.0.2.1")
    fail(few, "192.0.2.1", 1)
    clock.seconds = 30
    assert not few.waits("192.0.2.1")


def test_who_goes_on_failing_waits_again(few: Penalties, clock: Clock) -> None:
    fail(few, "192.0.2.1", 3)
    clock.seconds = 31
    fail(few, "192.0.2.1", 1)
    assert few.waits("192.0.2.1")


def test_failures_of_long_ago_do_not_count(few: Penalties, clock: Clock) -> None:
    for clock.seconds in (0, 40, 80, 120):
        fail(few, "192.0.2.1", 1)
    assert not few.waits("192.0.2.1")


def test_very_many_addresses_do_not_pile_up(few: Penalties, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(penalties, "ADDRESSES", 100)
    for number in range(1000):
        few.failed(str(number))
    assert len(few._failed) == 100


def test_the_one_heard_of_longest_ago_is_forgotten(few: Penalties, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(penalties, "ADDRESSES", 2)
    fail(few, "first", 2)
    few.failed("second")
    few.failed("first")
    few.failed("third")
    assert few.waits("first")
    assert "second" not in few._failed


@pytest.mark.parametrize(
    ("peer", "place"),
    [
        ("192.0.2.7:9000", "192.0.2.7"),
        ("[2001:db8:1:2:3::4]:9000", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:ffff::]:1", "2001:db8:1:2::/64"),
        ("[::ffff:192.0.2.7]:9000", "192.0.2.7"),
        ("memory:client", "memory"),
        ("", ""),
    ],
)
def test_who_a_peer_counts_as(peer: str, place: str) -> None:
    assert place_of(peer) == place
