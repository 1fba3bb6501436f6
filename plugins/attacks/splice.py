"""Splice: the client's words in the place of the server's."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class Splice(Attack):
    """Sends the client its own frame in place of the server's frame of the same number, or of the one before, as the seed draws.

    One key for both directions and a counter for each: the number is right, and so is the key. A server whose first record let
    the client in is one ahead.
    """

    name = "splice"
    row = "A02"
    reference = "Selfie, Drucker and Gueron 2019, TLS 1.3 with pre-shared keys"
    defences = {Property.DIRECTION_KEYS}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(0, 5)
        self._instead_of = self._at - self.random.randrange(2)
        self._kept: Passing | None = None
        self._dropped = False

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if not passing.handshake and passing.sender is Role.RESPONDER and passing.index == self._instead_of:
            self._dropped = True
        else:
            interceptor.forward(passing)
        if not passing.handshake and passing.sender is Role.INITIATOR and passing.index == self._at:
            self._kept = passing
        if self._dropped and self._kept:
            interceptor.log(f"sent the client's frame {self._at} to it in place of the server's frame {self._instead_of}")
            interceptor.send(Role.INITIATOR, self._kept.kind or MESSAGE, self._kept.payload)
            self._dropped = False

    def succeeded(self, evidence: Evidence) -> bool:
        own = set(evidence.said_by(Role.INITIATOR))
        return any(line in own for line in evidence.shown_to(Role.INITIATOR)) and not evidence.alarmed


@hookimpl
def layers() -> list[type[Splice]]:
    return [Splice]
