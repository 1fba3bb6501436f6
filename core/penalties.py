"""Addresses whose handshakes keep failing have to wait: guessing and flooding then cost them time, and us nothing.

Only what a peer did counts. Bounded in memory: of very many addresses the one heard of longest ago is forgotten.
"""

from collections import deque
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network

ADDRESSES = 10_000
IPV6_PREFIX = 64  # what one household or machine gets: within it an address costs nothing


def place_of(peer: str) -> str:
    """Who a peer is to be counted as: its address without the port, and of an IPv6 address the network."""
    return _place(peer.rpartition(":")[0])


@lru_cache(1024)
def _place(host: str) -> str:
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ip_network((int(address), IPV6_PREFIX), strict=False))


class Penalties:
    """Who failed how often of late. `now` gives seconds that never go back; `failures` within `window` cost `penalty` seconds."""

    def __init__(self, now: Callable[[], float], failures: int, window: float, penalty: float) -> None:
        self._now, self._failures, self._window, self._penalty = now, failures, window, penalty
        self._failed: dict[str, deque[float]] = {}

    def failed(self, place: str) -> None:
        """A handshake with this place failed."""
        times = self._failed.pop(place, None) or deque(maxlen=self._failures)
        if not self._waits(times):  # who waits already does not wait longer by those it had begun before
            times.append(self._now())
        self._failed[place] = times
        if len(self._failed) > ADDRESSES:
            del self._failed[next(iter(self._failed))]

    def waits(self, place: str) -> bool:
        """Whether this place has to wait."""
        return place in self._failed and self._waits(self._failed[place])

    def _waits(self, times: deque[float]) -> bool:
        return len(times) == self._failures and times[-1] - times[0] <= self._window and self._now() < times[-1] + self._penalty
