"""The handshake `rsa`, explored symbolically as in handshake.py: the client's session key under the server's public key.

    K  client <- server   public key
    S  client -> server   session key, sealed to it

Two servers of the same key model two conversations, one after the other. The attacker knows its own private key, and the
server's once that leaks.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from verdicts.models.reachable import reachable

SERVER, MINE = "server", "m"
Sealed = tuple[str, str]  # to which public key, which session key


@dataclass(frozen=True)
class State:
    """Which public key the client took, which session keys the two servers took, and what has been on the wire."""

    client: str = ""
    servers: tuple[str, str] = ("", "")
    io: frozenset[Sealed] = frozenset()


@dataclass(frozen=True)
class Rsa:
    """All that can happen; an attacker that is not active carries the messages of the first conversation, and no others."""

    pinned: bool = False
    active: bool = False
    leaked_later: bool = False
    checked: bool = True

    def outcomes(self) -> Iterator[State]:
        return reachable(State(), self.moves)

    def moves(self, state: State) -> Iterator[State]:
        if not state.client:
            for public in (SERVER, *((MINE,) if self.active else ())):
                if public == SERVER or not self.pinned or not self.checked:
                    yield State(public, state.servers, state.io | {(public, "key of client")})
        made = {(SERVER, "key of m")} if self.active else set()
        for place, taken in enumerate(state.servers):
            for public, key in state.io | made:
                if public == SERVER and not taken and (self.active or place == 0):
                    yield State(state.client, (*state.servers[:place], key, *state.servers[place + 1 :]), state.io)

    def broken(self) -> bool:
        """Whether the attacker knows the client's session key."""
        privates = {MINE, *((SERVER,) if self.leaked_later else ())}
        return any(public in privates for state in self.outcomes() for public, key in state.io if key == "key of client")

    def replayed(self) -> bool:
        """Whether the server takes the client's session key twice."""
        return any(state.servers == ("key of client",) * 2 for state in self.outcomes())
