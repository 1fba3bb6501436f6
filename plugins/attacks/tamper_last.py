"""Tamper at the end: flip a bit of the last byte."""

from plytalk.core.hookspecs import hookimpl
from plytalk.core.keys import Role
from plytalk.core.lab.attack import Attack, Passing
from plytalk.core.lab.middle import Middle
from plytalk.core.lab.play import Evidence
from plytalk.core.properties import Property
from plytalk.core.wire import MESSAGE


class TamperLast(Attack):
    """Flips the last bit of a frame: where there is a tag, a bit of the tag.

    A tag that is compared only in part, or not at all, has been shipped before.
    """

    name = "tamper-last"
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
        changed = payload[:-1] + bytes([payload[-1] ^ 1])
        middle.log(f"flipped the last bit of the client's frame {self._at}")
        middle.send(Role.RESPONDER, passing.kind or MESSAGE, changed)

    def succeeded(self, evidence: Evidence) -> bool:
        return not evidence.faithful(Role.INITIATOR) and not evidence.alarmed


@hookimpl
def layers() -> list[type[TamperLast]]:
    return [TamperLast]
