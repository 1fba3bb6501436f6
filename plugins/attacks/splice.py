"""Splice: the client's words in the place of the server's."""

from plytalk.core.hookspecs import hookimpl
from plytalk.core.keys import Role
from plytalk.core.lab.attack import Attack, Passing
from plytalk.core.lab.middle import Middle
from plytalk.core.lab.play import Evidence
from plytalk.core.properties import Property
from plytalk.core.wire import MESSAGE


class Splice(Attack):
    """Sends the client its own frame in place of the server's frame of the same number.

    One key for both directions and a counter for each: the number is right, and so is the key.
    """

    name = "splice"
    row = "A02"
    reference = "Selfie, Drucker and Gueron 2019, TLS 1.3 with pre-shared keys"
    defences = {Property.DIRECTION_KEYS}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(0, 5)
        self._kept: Passing | None = None

    def frame(self, middle: Middle, passing: Passing) -> None:
        if passing.sender is Role.INITIATOR and not passing.handshake and passing.index == self._at:
            self._kept = passing
        if passing.sender is Role.RESPONDER and not passing.handshake and passing.index == self._at and self._kept:
            middle.log(f"sent the client's frame {self._at} to it in place of the server's")
            middle.send(Role.INITIATOR, passing.kind or MESSAGE, self._kept.payload)
        else:
            middle.forward(passing)

    def succeeded(self, evidence: Evidence) -> bool:
        own = set(evidence.said_by(Role.INITIATOR))
        return any(line in own for line in evidence.shown_to(Role.INITIATOR)) and not evidence.alarmed


@hookimpl
def layers() -> list[type[Splice]]:
    return [Splice]
