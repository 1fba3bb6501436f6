"""Who may be in a handshake with a server."""

from dataclasses import replace

from plytalk.core.doorway import Doorway
from plytalk.core.limits import Limits

LIMITS = replace(Limits(), unauthenticated=4, unauthenticated_per_address=2, failures=3)
HERE, FAR, FURTHER = "127.0.0.1:1", "192.0.2.1:1", "192.0.2.2:1"


class Watched(Doorway):
    """Remembers whom it sent away."""

    def __init__(self) -> None:
        self.clock = 0.0
        self.gone: list[str] = []
        super().__init__(LIMITS, lambda: self.clock)

    def comes(self, who: str, peer: str) -> None:
        self.enter(who, peer, lambda: self.gone.append(who))


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


def test_who_was_sent_away_leaves_only_once() -> None:
    door = Watched()
    for who in "abc":
        door.comes(who, FAR)
    door.leave("a", failed=True)
    door.leave("b")
    assert len(door) == 1


def test_who_keeps_failing_has_to_wait() -> None:
    door = Watched()
    for who in "abc":
        assert not door.refuses(FAR)
        door.comes(who, FAR)
        door.leave(who, failed=True)
    assert door.refuses("192.0.2.1:999")
    assert not door.refuses(FURTHER)
    door.clock = LIMITS.penalty
    assert not door.refuses(FAR)


def test_on_this_machine_nobody_has_to_wait() -> None:
    door = Watched()
    for who in "abcdef":
        door.comes(who, HERE)
        door.leave(who, failed=True)
    assert not door.refuses(HERE)


def test_who_got_in_has_not_failed() -> None:
    door = Watched()
    for who in "abcdef":
        door.comes(who, FAR)
        door.leave(who)
    assert not door.refuses(FAR)
