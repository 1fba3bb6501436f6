"""Shorten: cut the last byte off a message."""

from plytalk.core.hookspecs import hookimpl
from plytalk.core.keys import Role
from plytalk.core.lab.attack import Attack, Passing
from plytalk.core.lab.middle import Middle
from plytalk.core.lab.play import Evidence
from plytalk.core.properties import Property
from plytalk.core.wire import MESSAGE


class Shorten(Attack):
    """Sends a frame without its last byte, under a header that says so.

    The frame is well formed; only what is in it is not whole.
    """

    name = "shorten"
    row = "A06"
    reference = "Aircrack and WEP's linear checksum, 2001"
    defences = {Property.INTEGRITY}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(0, 5)

    def frame(self, middle: Middle, passing: Passing) -> None:
        if passing.sender is not Role.INITIATOR or passing.handshake or passing.index != self._at:
            middle.forward(passing)
            return
        payload = passing.payload
        changed = payload[:-1]
        middle.log(f"cut the last byte off the client's frame {self._at}")
        middle.send(Role.RESPONDER, passing.kind or MESSAGE, changed)

    def succeeded(self, evidence: Evidence) -> bool:
        return not evidence.faithful(Role.INITIATOR) and not evidence.alarmed


@hookimpl
def layers() -> list[type[Shorten]]:
    return [Shorten]
