"""Admission to the handshake."""

import pytest
from msgspec.structs import replace

from plytalk.core.contracts.errors import (
    BadFrame,
    BrokenPlugin,
    Busy,
    ChatError,
    HandshakeFailed,
    Refused,
    StackMismatch,
    TooSlow,
    UnknownPeer,
    WrongSecret,
)
from plytalk.core.contracts.limits import Limits
from plytalk.core.endpoints import admission
from plytalk.core.endpoints.admission import Admission, CountedSource, Full, Penalties, Reason, TurnedAway, reason_of, source_of

LIMITS = replace(Limits(), unauthenticated=4, unauthenticated_per_address=2, failures=3)
HERE, FAR, FURTHER = "127.0.0.1:1", "192.0.2.1:1", "192.0.2.2:1"


class Watched(Admission):
    """Remembers whom it sent away."""

    def __init__(self) -> None:
        self.clock = 0.0
        self.gone: list[str] = []
        super().__init__(LIMITS, lambda: self.clock)

    def comes(self, who: str, peer: str) -> None:
        self.begin(who, peer, lambda: self.gone.append(who))


def test_there_is_room() -> None:
    door = Watched()
    for who in "ab":
        door.comes(who, FAR)
        door.comes(who.upper(), FURTHER)
    assert len(door) == 4
    assert door.gone == []


def test_a_newcomer_takes_the_place_of_the_first_of_its_own_address() -> None:
    door = Watched()
    for who in "abc":
        door.comes(who, FAR)
    assert door.gone == ["a"]
    assert len(door) == 2


def test_where_all_is_full_it_takes_a_place_of_the_address_that_has_most() -> None:
    door = Watched()
    door.comes("honest", HERE)
    door.comes("x", FURTHER)
    door.comes("a", FAR)
    door.comes("b", FAR)
    door.comes("newcomer", "192.0.2.3:1")
    assert door.gone == ["a"]


def test_a_silent_crowd_from_many_sources_drives_out_nobody_who_has_spoken() -> None:
    door = Watched()
    door.comes("honest", HERE)
    door.hear("honest")
    for number in range(20):
        door.comes(f"silent {number}", f"192.0.2.{number}:1")
    assert door.gone == [f"silent {number}" for number in range(17)]
    assert len(door) == 4


def test_those_who_have_spoken_do_not_keep_newcomers_out() -> None:
    """A first word costs as little as none: it must not hold all places until its time is up."""
    door = Watched()
    for number in range(20):
        door.comes(f"crowd {number}", f"192.0.2.{number}:1")
        door.hear(f"crowd {number}")
    door.comes("honest", HERE)
    door.hear("honest")
    assert "honest" not in door.gone
    door.comes("newcomer", "198.51.100.1:1")
    door.comes("next", "198.51.100.2:1")
    assert [who for who in door.gone if not who.startswith("crowd")] == []


def test_of_one_source_the_silent_ones_give_way_too() -> None:
    door = Watched()
    door.comes("spoken", FAR)
    door.hear("spoken")
    for who in "abc":
        door.comes(who, FAR)
    assert door.gone == ["a", "b"]
    door.end("spoken")
    assert len(door) == 1


def test_who_was_sent_away_leaves_only_once() -> None:
    door = Watched()
    for who in "abc":
        door.comes(who, FAR)
    door.end("a", failed=True)
    door.end("b")
    assert len(door) == 1


def test_who_keeps_failing_has_to_wait() -> None:
    door = Watched()
    for who in "abc":
        assert not door.has_penalty(FAR)
        door.comes(who, FAR)
        door.end(who, failed=True)
    assert door.has_penalty("192.0.2.1:999")
    assert not door.has_penalty(FURTHER)
    door.clock = LIMITS.penalty
    assert not door.has_penalty(FAR)


def test_on_this_machine_nobody_has_to_wait() -> None:
    door = Watched()
    for who in "abcdef":
        door.comes(who, HERE)
        door.end(who, failed=True)
    assert not door.has_penalty(HERE)


def test_who_got_in_has_not_failed() -> None:
    door = Watched()
    for who in "abcdef":
        door.comes(who, FAR)
        door.end(who)
    assert not door.has_penalty(FAR)


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


def fail(few: Penalties, source: str, times: int) -> None:
    for _ in range(times):
        few.failed(source)


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
    monkeypatch.setattr(admission, "SOURCES", 100)
    for number in range(1000):
        few.failed(str(number))
    assert len(few._failed) == 100


def test_the_one_heard_of_longest_ago_is_forgotten(few: Penalties, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "SOURCES", 2)
    fail(few, "first", 2)
    few.failed("second")
    few.failed("first")
    few.failed("third")
    assert few.waits("first")
    assert "second" not in few._failed


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        ("192.0.2.7:9000", "192.0.2.7"),
        ("[2001:db8:1:2:3::4]:9000", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:ffff::]:1", "2001:db8:1:2::/64"),
        ("[::ffff:192.0.2.7]:9000", "192.0.2.7"),
        ("memory:client", "memory"),
        ("", ""),
    ],
)
def test_who_a_peer_counts_as(peer: str, source: str) -> None:
    assert source_of(peer) == source


def test_an_evicted_handshake_counts_as_failed() -> None:
    door = Watched()
    for number in range(2 + LIMITS.failures):
        assert not door.has_penalty(FAR)
        door.comes(str(number), FAR)
    assert door.gone == ["0", "1", "2"]
    assert door.has_penalty(FAR)


def test_those_evicted_because_the_server_stops_have_not_failed() -> None:
    door = Watched()
    for number in range(LIMITS.failures):
        door.comes(str(number), f"192.0.2.1:{number}")
        door.clear()
    assert door.gone == ["0", "1", "2"]
    assert not door.has_penalty(FAR)


def test_a_handshake_counts_for_another_source_once_that_is_known() -> None:
    door = Watched()
    for number in range(2):
        door.comes(f"behind {number}", FAR)
        door.move(f"behind {number}", FURTHER)
    door.comes("first", FAR)
    door.comes("second", FAR)
    assert door.gone == []
    door.move("second", FURTHER)
    assert door.gone == ["behind 0"]
    door.move("behind 0", FAR)  # which has ended
    assert len(door) == 3
    door.end("second", failed=True)
    door.end("behind 1", failed=True)
    assert door.has_penalty(FURTHER)
    assert not door.has_penalty(FAR)


def test_who_is_exempt_is_a_choice() -> None:
    door = Admission(LIMITS, lambda: 0.0, is_exempt=lambda peer: False)
    for number in range(LIMITS.failures):
        door.begin(number, HERE, lambda: None)
        door.end(number, failed=True)
    assert door.has_penalty(HERE)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TurnedAway(Reason.EVICTED, "No."), "evicted"),
        (Full(), "full"),
        (Busy(), "busy"),
        (TooSlow(), "slow"),
        (StackMismatch(), "stack"),
        (Refused(), "refused"),
        (UnknownPeer(), "refused"),
        (WrongSecret(), "handshake"),
        (HandshakeFailed(), "handshake"),
        (BadFrame(), "handshake"),
        (BrokenPlugin(), "local"),
    ],
)
def test_every_error_has_a_reason(error: ChatError, reason: str) -> None:
    assert reason_of(error) == reason


def test_what_is_counted_by_nothing_is_counted_too() -> None:
    counted = CountedSource[str, str]()
    counted.add("a", "")
    assert counted.remove("a") == ""
    assert counted.remove("a") is None
    assert counted.counts == {}
