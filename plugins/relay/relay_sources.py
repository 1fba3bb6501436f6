"""The source by which a relay counts a caller, without keeping its address, and how often a source has joined recently."""

import hmac
import time
from collections import deque
from secrets import token_bytes

from plytalk.core.endpoints.admission import source_of
from plytalk.plugins.relay.relay_frames import SOURCE

MINUTE = 60.0


class RelaySources:
    """A source is an IPv4 address or the /64 network of an IPv6 address, as an HMAC under a secret of this run.

    `joins` may be begun in a minute by one source; after `most` sources those that have not come for a minute are forgotten.
    """

    def __init__(self, joins: int, most: int) -> None:
        self._joins, self._most = joins, most
        self._secret = token_bytes(32)
        self._joined: dict[bytes, deque[float]] = {}

    def tag(self, peer: str, name: str = "") -> bytes:
        """The source of a peer; with the name that it joined, the source that the holder of that name is told."""
        return hmac.digest(self._secret, name.encode() + b"\0" + source_of(peer).encode(), "sha256")[:SOURCE]

    def may_join(self, source: bytes) -> bool:
        """Whether a source has joined less often than it may in a minute; counts this time."""
        now = time.monotonic()
        if len(self._joined) > self._most:  # sources that come once and never again
            self._joined = {one: times for one, times in self._joined.items() if now - times[-1] < MINUTE}
        times = self._joined.setdefault(source, deque(maxlen=self._joins))
        if len(times) == self._joins and now - times[0] < MINUTE:
            return False
        times.append(now)
        return True
