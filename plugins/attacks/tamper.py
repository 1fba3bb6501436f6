"""Tamper: flip one bit."""

from plytalk.core.hookspecs import hookimpl
from plytalk.core.keys import Role
from plytalk.core.lab.attack import Attack, Passing
from plytalk.core.lab.middle import Middle
from plytalk.core.lab.play import Evidence
from plytalk.core.properties import Property
from plytalk.core.wire import MESSAGE


class Tamper(Attack):
    """Flips one bit, drawn by the seed, of one frame.

    In a stream cipher a flipped bit of the ciphertext is a flipped bit of the words: 100 becomes 900, without any key.
    """

    name = "tamper"
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
        place = self.random.randrange(len(payload) * 8)
        changed = bytes(byte ^ (1 << place % 8 if at == place // 8 else 0) for at, byte in enumerate(payload))
        middle.log(f"flipped a bit of the client's frame {self._at}")
        middle.send(Role.RESPONDER, passing.kind or MESSAGE, changed)

    def succeeded(self, evidence: Evidence) -> bool:
        return not evidence.faithful(Role.INITIATOR) and not evidence.alarmed


@hookimpl
def layers() -> list[type[Tamper]]:
    return [Tamper]
