"""One stream of a sender: what it is asked for, and who gets it."""

from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import pytest

from plytalk.core.contracts.errors import BadFrame
from plytalk.plugins.files.feeds import Feed, StandingOffer
from plytalk.plugins.files.file_items import PIECE, WINDOW, FileFailure, FileKind, Offering, carry, parse
from plytalk.plugins.files.manifest import FileOffer
from plytalk.plugins.files.parties import LocalParty, Taker


class Meeting:
    """A sender and receivers, each with what it is sent."""

    def __init__(self, *credits: int) -> None:
        self.sent: list[list[tuple[int, int, bytes]]] = [[] for _ in range(len(credits) + 1)]
        parties = [LocalParty(cast(Any, SimpleNamespace()), lambda body, to=to: to.append(parse(body))) for to in self.sent]
        said = Offering(number=4, id="x", file={})
        file = FileOffer(name="x", size=100, root=bytes(32), hash="blake2b")
        self.offer = StandingOffer(count(10), 1, 4, parties[0], said, file, None, None, None)
        self.feed = Feed(self.offer, 0, lambda items: [])
        self.takers = [Taker(party, 7, credit) for party, credit in zip(parties[1:], credits, strict=True)]
        for taker in self.takers:
            taker.to.takers[7] = taker
            self.feed.add(taker)


async def test_it_asks_for_what_the_slowest_can_take() -> None:
    meeting = Meeting(100, 30)
    meeting.feed.begin()
    meeting.feed.begin()
    assert [(kind, stream, payload[-4:]) for kind, stream, payload in meeting.sent[0]] == [(FileKind.OPEN, 10, b"\0\0\0\x1e")]
    meeting.feed.data(b"x" * 30)
    assert meeting.sent[1] == meeting.sent[2] == [parse(carry(7, b"x" * 30))]
    assert meeting.feed.at == 30


async def test_more_than_was_asked_for_is_an_error() -> None:
    meeting = Meeting(10)
    meeting.feed.begin()
    with pytest.raises(BadFrame, match="11 bytes of a file came where 10 were asked for"):
        meeting.feed.data(bytes(11))


async def test_with_the_last_receiver_it_is_over() -> None:
    meeting = Meeting(10, 10)
    meeting.feed.begin()
    for taker in meeting.takers:
        meeting.feed.remove(taker)
    assert meeting.sent[0][-1][:2] == (FileKind.STOP, 10)
    assert meeting.feed.over
    assert not meeting.offer.feeds
    meeting.feed.grant()
    assert len(meeting.sent[0]) == 2


async def test_a_failure_is_told_to_all() -> None:
    meeting = Meeting(10, 10)
    meeting.feed.begin()
    meeting.feed.fail(FileFailure.CANCELLED)
    assert meeting.sent[1] == meeting.sent[2] == [(FileKind.FAIL, 7, b"\0")]
    assert not any(taker.to.takers for taker in meeting.takers)


class Clock:
    """A loop's time, which passes when a test says so."""

    def __init__(self) -> None:
        self.now, self.timers = 0.0, dict[Clock, tuple[float, Callable[[], None]]]()

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, function: Callable[[], None]) -> "Clock":
        timer = Clock()
        timer.cancel = lambda: self.timers.pop(timer, None)  # type: ignore[method-assign]
        self.timers[timer] = self.now + delay, function
        return timer

    def cancel(self) -> None:
        """Forget this timer."""

    def passes(self, seconds: float) -> None:
        end = self.now + seconds
        while due := min((entry for entry in self.timers.items() if entry[1][0] <= end), key=lambda one: one[1][0], default=None):
            timer, (self.now, function) = due
            del self.timers[timer]
            function()
        self.now = end


@pytest.mark.parametrize(("waits", "parts"), [(0.1, True), (0.06, True), (0.04, False), (0.0, False)])
async def test_one_that_is_slower_all_the_time_gets_a_stream_alone(waits: float, parts: bool) -> None:
    """It never held up the others for half a second at one time, and so they were all as slow as it was."""
    meeting, clock = Meeting(WINDOW, WINDOW), Clock()
    meeting.feed._loop = cast(Any, clock)
    meeting.feed.begin()
    fast, slow = meeting.takers
    for _ in range(200):
        while meeting.feed.granted:
            meeting.feed.data(bytes(PIECE))
        clock.passes(0.05)
        fast.feed.credit(fast, WINDOW)
        clock.passes(waits)
        if slow.feed is meeting.feed:
            slow.feed.credit(slow, WINDOW)
    assert (slow.feed is not meeting.feed) is parts
    assert fast.feed is meeting.feed
    assert len(meeting.offer.feeds) == 1 + parts


async def test_one_that_begins_later_joins_only_at_the_same_byte() -> None:
    meeting = Meeting(10)
    assert meeting.feed.is_joined_at(0)
    assert not meeting.feed.is_joined_at(1)
    meeting.feed.begin()
    assert not meeting.feed.is_joined_at(0)
