"""How many connections a server has room for: in all, of one source and of one key; and which one gives way in a full server."""

import asyncio
from collections.abc import Callable, Iterator

from plytalk.core.contracts.errors import Busy
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Identity
from plytalk.core.contracts.transport import Stream
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.admission import CountedSource, Full, Reason, TooManyOfKey, TurnedAway, source_of

FULL = "The server is full."


class Capacity:
    """The conversations of a server, and the peers that are admitted and not in a conversation yet."""

    def __init__(self, limits: Limits, is_exempt: Callable[[str], bool]) -> None:
        self._limits, self._is_exempt = limits, is_exempt
        self._inside, self._keys = CountedSource[DirectChat, str](), CountedSource[DirectChat, bytes]()  # by source, and by key
        self._reserved: dict[Stream, bytes] = {}  # with their keys

    def __len__(self) -> int:
        return len(self._inside)

    def __iter__(self) -> Iterator[DirectChat]:
        return iter(tuple(self._inside))

    # -- before the handshake ---------------------------------------------------------------------------------------------

    def refuse_source(self, peer: str, *, is_told: bool) -> TurnedAway | None:
        """Return the reason to refuse a peer at this address, if any. With `is_told`, a peer that can be told the reason may
        finish its handshake.
        """
        if len(self) >= self._limits.connections and not is_told:
            return TurnedAway(Reason.FULL, FULL)
        if not self._is_exempt(peer) and self._inside.counts[source_of(peer)] >= self._limits.connections_per_address:
            return TurnedAway(Reason.SOURCE, "Too many connections from this source.")
        return None

    # -- at the end of it -------------------------------------------------------------------------------------------------

    def refuse_key(self, identity: Identity | None, holds_role: Callable[[Identity | None], bool]) -> Busy | None:
        """Return the reason to refuse this key, if any. A few places are reserved for keys with a role."""
        limits, key, reserved = self._limits, _key_of(identity), [*self._reserved.values()]
        if key and self._keys.counts[key] + reserved.count(key) >= limits.connections_per_key:
            return TooManyOfKey("Too many connections with its key.", told="Your key has too many connections to this server.")
        if len(self) + len(reserved) < limits.connections:
            return None
        taken = len(reserved) + sum(not session.ending for session in self._inside)
        return None if taken < limits.connections + limits.reserved * holds_role(identity) else Full(FULL, told=FULL)

    def find_idle(self) -> list[DirectChat]:
        """Return the conversations that have been silent for so long that they may be ended, the longest first."""
        before = asyncio.get_running_loop().time() - self._limits.idle
        idle = [session for session in self._inside if not session.ending and session.active_at <= before]
        return sorted(idle, key=lambda session: session.active_at)

    def reserve(self, stream: Stream, identity: Identity | None) -> None:
        """Keep a place for an admitted peer until its handshake is over."""
        self._reserved[stream] = _key_of(identity)

    def release(self, stream: Stream) -> None:
        """Give the place back: the handshake is over."""
        self._reserved.pop(stream, None)

    # -- inside -----------------------------------------------------------------------------------------------------------

    def enter(self, session: DirectChat) -> None:
        self._inside.add(session, source_of(session.stream.peer))
        self._keys.add(session, _key_of(session.identity))

    def leave(self, session: DirectChat) -> None:
        self._inside.remove(session)
        self._keys.remove(session)


def _key_of(identity: Identity | None) -> bytes:
    return identity.key if identity else b""
