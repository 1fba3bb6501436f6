"""Reflect: send someone's own words back as the other side's."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class Reflect(Attack):
    """Sends a frame of the client back to the client.

    One key for both directions cannot say who sealed a message. I agree, says your own voice from the other side.
    """

    name = "reflect"
    row = "A02"
    reference = "Selfie, Drucker and Gueron 2019, TLS 1.3 with pre-shared keys"
    defences = {Property.DIRECTION_KEYS}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(0, 5)

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        interceptor.forward(passing)
        if passing.sender is Role.INITIATOR and not passing.handshake and passing.index == self._at:
            interceptor.log(f"sent the client's frame {self._at} back to it")
            interceptor.send(Role.INITIATOR, passing.kind or MESSAGE, passing.payload)

    def succeeded(self, evidence: Evidence) -> bool:
        own = set(evidence.said_by(Role.INITIATOR))
        return any(line in own for line in evidence.shown_to(Role.INITIATOR)) and not evidence.alarmed


@hookimpl
def layers() -> list[type[Reflect]]:
    return [Reflect]
