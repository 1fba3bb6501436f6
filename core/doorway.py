"""Who may be in a handshake with a server: few at a time, fewer of one address, and nobody who keeps failing.

Where it is full, a newcomer takes the place of whoever stands in the way most: of its own address where that has its share,
otherwise of the address that has most, and there the one that came first. So nobody keeps others out by standing still.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from plytalk.core.limits import Limits
from plytalk.core.opening import is_local
from plytalk.core.penalties import Penalties, place_of

T = TypeVar("T", bound=Hashable)


class Places(Generic[T]):
    """Who is somewhere, in the order in which they came, with the place that each comes from; and how many come from a place."""

    def __init__(self) -> None:
        self._of: dict[T, str] = {}
        self.counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._of)

    def __iter__(self) -> Iterator[T]:
        return iter(self._of)

    def enter(self, who: T, place: str) -> None:
        self._of[who] = place
        self.counts[place] += 1

    def leave(self, who: T) -> str:
        """Where it came from; empty for one that was not here."""
        place = self._of.pop(who, "")
        if place:
            self.counts[place] -= 1
            if not self.counts[place]:
                del self.counts[place]
        return place

    def first_of(self, place: str) -> T:
        """Who of a place came first."""
        return next(who for who, its in self._of.items() if its == place)


class Doorway:
    """The peers that are in their handshake, by something that stands for each. `now` gives seconds."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._limits = limits
        self._penalties = Penalties(now, limits.failures, limits.failures_within, limits.penalty)
        self._inside = Places[Hashable]()
        self._send_away: dict[Hashable, Callable[[], object]] = {}

    def __len__(self) -> int:
        return len(self._inside)

    def refuses(self, peer: str) -> bool:
        """Whether a peer at this address has to wait; on this machine nobody has to, since there one user is both ends."""
        return not is_local(peer) and self._penalties.waits(place_of(peer))

    def enter(self, who: Hashable, peer: str, send_away: Callable[[], object]) -> None:
        """A handshake begins; should another need its place, `send_away` is called."""
        place = place_of(peer)
        if self._inside.counts[place] >= self._limits.unauthenticated_per_address:
            self._make_room(place)
        elif len(self._inside) >= self._limits.unauthenticated:
            self._make_room(self._inside.counts.most_common(1)[0][0])
        self._inside.enter(who, place)
        self._send_away[who] = send_away

    def leave(self, who: Hashable, failed: bool = False) -> None:
        """A handshake is over; who was sent away has left already."""
        self._send_away.pop(who, None)
        if (place := self._inside.leave(who)) and failed:
            self._penalties.failed(place)

    def clear(self) -> None:
        """Send everybody away."""
        for who in tuple(self._inside):
            self._end(who)

    def _make_room(self, place: str) -> None:
        self._end(self._inside.first_of(place))

    def _end(self, who: Hashable) -> None:
        self._inside.leave(who)
        self._send_away.pop(who)()
