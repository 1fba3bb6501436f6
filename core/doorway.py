"""Who may be in a handshake with a server: few at a time, fewer of one address, and nobody who keeps failing.

Where it is full, a newcomer takes the place of whoever stands in the way most: of its own address where that has its share,
otherwise of the address that has most, and there the one that came first. So nobody keeps others out by standing still.
"""

from collections import Counter
from collections.abc import Callable, Hashable

from plytalk.core.limits import Limits
from plytalk.core.opening import is_local
from plytalk.core.penalties import Penalties, place_of


class Doorway:
    """The peers that are in their handshake, by something that stands for each. `now` gives seconds."""

    def __init__(self, limits: Limits, now: Callable[[], float]) -> None:
        self._limits = limits
        self._penalties = Penalties(now, limits.failures, limits.failures_within, limits.penalty)
        self._inside: dict[Hashable, tuple[str, Callable[[], object]]] = {}  # in the order in which they came

    def __len__(self) -> int:
        return len(self._inside)

    def refuses(self, peer: str) -> bool:
        """Whether a peer at this address has to wait; on this machine nobody has to, since there one user is both ends."""
        return not is_local(peer) and self._penalties.waits(place_of(peer))

    def enter(self, who: Hashable, peer: str, send_away: Callable[[], object]) -> None:
        """A handshake begins; should another need its place, `send_away` is called."""
        place = place_of(peer)
        counts = Counter(place for place, _ in self._inside.values())
        if counts[place] >= self._limits.unauthenticated_per_address:
            self._make_room(place)
        elif len(self._inside) >= self._limits.unauthenticated:
            self._make_room(counts.most_common(1)[0][0])
        self._inside[who] = place, send_away

    def leave(self, who: Hashable, failed: bool = False) -> None:
        """A handshake is over; who was sent away has left already."""
        place, _ = self._inside.pop(who, ("", None))
        if failed and place:
            self._penalties.failed(place)

    def clear(self) -> None:
        """Send everybody away."""
        while self._inside:
            self._inside.popitem()[1][1]()

    def _make_room(self, place: str) -> None:
        first = next(who for who, (its, _) in self._inside.items() if its == place)
        _, send_away = self._inside.pop(first)
        send_away()
