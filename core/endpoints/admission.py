"""Admission to the handshake: few at a time, fewer from one source, and none from a source that keeps failing.

Connections are counted by *source*: an IPv4 address, or the /64 network of an IPv6 address. If all places are taken, a newcomer
replaces the oldest handshake of the same source if that has its share, otherwise of the source that has most. So nobody keeps
others out by leaving handshakes unfinished. A handshake that was replaced counts as failed.
"""

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address, ip_network
from itertools import chain
from typing import Generic, TypeVar

from plytalk.core.contracts.errors import (
    Busy,
    ChatError,
    HandshakeFailed,
    LocalError,
    Refused,
    StackMismatch,
    TooSlow,
    UnknownPeer,
    WrongSecret,
)
from plytalk.core.contracts.limits import Limits
from plytalk.core.io.address import is_local

T = TypeVar("T", bound=Hashable)
By = TypeVar("By", bound=Hashable)

SOURCES = 10_000
"""For how many sources the failures are remembered. The one with the oldest failure is forgotten first."""
IPV6_PREFIX = 64  # what one household or machine gets: further addresses in it are free


class Reason(StrEnum):
    """Why a connection did not become a conversation: the label of a metric."""

    FAILURES = "failures"
    """Too many handshakes of its source failed."""
    FULL = "full"
    """The server is full."""
    SOURCE = "source"
    """Too many connections of its source."""
    KEY = "key"
    """Too many connections of its key."""
    EVICTED = "evicted"
    """A newer handshake replaced its unfinished one."""
    BUSY = "busy"
    """The server talks to one peer at a time."""
    SLOW = "slow"
    """Its handshake took too long."""
    STACK = "stack"
    """It runs another stack."""
    REFUSED = "refused"
    """An authenticator said no."""
    HANDSHAKE = "handshake"
    """Its handshake failed in another way."""
    LOCAL = "local"
    """This side made a mistake."""


class TurnedAway(Refused):
    """A connection was refused."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Full(Busy):
    """The server is full."""


class TooManyOfKey(Busy):
    """There are too many connections of this key."""


def reason_of(error: ChatError) -> Reason:
    """Return the reason for a connection that was refused with this error."""
    match error:
        case TurnedAway():
            return error.reason
        case Full():
            return Reason.FULL
        case TooManyOfKey():
            return Reason.KEY
        case Busy():
            return Reason.BUSY
        case TooSlow():
            return Reason.SLOW
        case StackMismatch():
            return Reason.STACK
        case WrongSecret():
            return Reason.HANDSHAKE
        case Refused() | UnknownPeer():
            return Reason.REFUSED
        case HandshakeFailed():
            return Reason.HANDSHAKE
        case LocalError():
            return Reason.LOCAL
    return Reason.HANDSHAKE


def source_of(peer: str) -> str:
    """Return the source of a peer: its address without the port, or the network of an IPv6 address."""
    return _source(peer.rpartition(":")[0])


@lru_cache(1024)
def _source(host: str) -> str:
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ip_network((int(address), IPV6_PREFIX), strict=False))


class CountedSource(Generic[T, By]):
    """Connections in the order in which they came, each with its source, and the number of connections of each source."""

    def __init__(self) -> None:
        self._by: dict[T, By] = {}
        self.counts: Counter[By] = Counter()

    def __len__(self) -> int:
        return len(self._by)

    def __iter__(self) -> Iterator[T]:
        return iter(self._by)

    def add(self, one: T, by: By) -> None:
        self._by[one] = by
        self.counts[by] += 1

    def remove(self, one: T) -> By | None:
        """What it was counted by; None for one that is not here."""
        by = self._by.pop(one, None)
        if by is not None:
            self.counts[by] -= 1
            if not self.counts[by]:
                del self.counts[by]
        return by

    def first_of(self, by: By) -> T:
        """Return the oldest connection of a source."""
        return next(one for one, its in self._by.items() if its == by)


class Newcomers(Generic[T, By]):
    """Connections that are not admitted yet, in two groups: those that have sent nothing, and the others.

    The larger group gives way to a newcomer, or the silent one if both have the same size. So silent connections from many
    sources do not displace peers that are slower to answer than the crowd is to fill the places, and a crowd that sends a few
    bytes does not keep newcomers out.
    """

    def __init__(self) -> None:
        self._silent, self._heard = CountedSource[T, By](), CountedSource[T, By]()

    def __len__(self) -> int:
        return len(self._silent) + len(self._heard)

    def __iter__(self) -> Iterator[T]:
        return chain(self._silent, self._heard)

    def count(self, by: By) -> int:
        """Return the number of connections of a source."""
        return self._silent.counts[by] + self._heard.counts[by]

    def add(self, one: T, by: By) -> None:
        self._silent.add(one, by)

    def hear(self, one: T) -> None:
        """Note that a connection has sent something. One that is not here is ignored."""
        if (by := self._silent.remove(one)) is not None:
            self._heard.add(one, by)

    def remove(self, one: T) -> By | None:
        """What it was counted by; None for one that is not here."""
        by = self._silent.remove(one)
        return self._heard.remove(one) if by is None else by

    def giving_way(self) -> T:
        """Return the connection that gives way: the oldest of the source that has most."""
        group = self._silent if len(self._silent) >= len(self._heard) else self._heard
        return group.first_of(group.counts.most_common(1)[0][0])

    def giving_way_of(self, by: By) -> T:
        """Return the same among the connections of one source."""
        return (self._silent if self._silent.counts[by] >= self._heard.counts[by] else self._heard).first_of(by)


class Admission:
    """The running handshakes, each under a token. `now` gives seconds.

    A source on this machine has no penalties, since one user may well be both ends there; `is_exempt` says which peers those are.
    """

    def __init__(self, limits: Limits, now: Callable[[], float], is_exempt: Callable[[str], bool] = is_local) -> None:
        self._limits, self.is_exempt = limits, is_exempt
        self._penalties = Penalties(now, limits.failures, limits.failures_within, limits.penalty)
        self._running = Newcomers[Hashable, str]()
        self._evict: dict[Hashable, Callable[[], object]] = {}

    def __len__(self) -> int:
        return len(self._running)

    def has_penalty(self, peer: str) -> bool:
        """Return whether a peer at this address has to wait before it may try again."""
        return not self.is_exempt(peer) and self._penalties.waits(source_of(peer))

    def begin(self, handshake: Hashable, peer: str, evict: Callable[[], object]) -> None:
        """Begin a handshake. If a newer one needs its place, it counts as failed and `evict` is called."""
        source = source_of(peer)
        if self._running.count(source) >= self._limits.unauthenticated_per_address:
            self._make_room(self._running.giving_way_of(source))
        elif len(self._running) >= self._limits.unauthenticated:
            self._make_room(self._running.giving_way())
        self._running.add(handshake, source)
        self._evict[handshake] = evict

    def hear(self, handshake: Hashable) -> None:
        """Note that the peer has sent something."""
        self._running.hear(handshake)

    def end(self, handshake: Hashable, failed: bool = False) -> None:
        """End a handshake. One that was evicted has ended already."""
        self._evict.pop(handshake, None)
        source = self._running.remove(handshake)
        if source is not None and failed:
            self._penalties.failed(source)

    def move(self, handshake: Hashable, peer: str) -> None:
        """Count a handshake for this peer from now on. One that was evicted has ended already."""
        if evict := self._evict.get(handshake):
            self.end(handshake)
            self.begin(handshake, peer, evict)

    def clear(self) -> None:
        """Evict all handshakes; they do not count as failed."""
        for handshake in tuple(self._running):
            evict = self._evict[handshake]
            self.end(handshake)
            evict()

    def _make_room(self, oldest: Hashable) -> None:
        evict = self._evict[oldest]
        self.end(oldest, failed=True)
        evict()


class Penalties:
    """The recent failures of each source: after `failures` within `window` seconds it has to wait `penalty` seconds. `now`
    never goes back.
    """

    def __init__(self, now: Callable[[], float], failures: int, window: float, penalty: float) -> None:
        self._now, self._failures, self._window, self._penalty = now, failures, window, penalty
        self._failed: dict[str, deque[float]] = {}

    def failed(self, source: str) -> None:
        """Count a failed handshake of this source."""
        times = self._failed.pop(source, None) or deque(maxlen=self._failures)
        if not self._waits(times):  # handshakes that began before a penalty do not prolong it
            times.append(self._now())
        self._failed[source] = times
        if len(self._failed) > SOURCES:
            del self._failed[next(iter(self._failed))]

    def waits(self, source: str) -> bool:
        """Return whether this source has to wait."""
        return source in self._failed and self._waits(self._failed[source])

    def _waits(self, times: deque[float]) -> bool:
        return len(times) == self._failures and times[-1] - times[0] <= self._window and self._now() < times[-1] + self._penalty
