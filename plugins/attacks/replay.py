"""Replay: say again what was said before."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class Replay(Attack):
    """Sends a frame a second time, at a place drawn by the seed.

    "Open the gate" is heard twice, and nobody touched a key. Messengers that number nothing cannot tell the copy from the word.
    """

    name = "replay"
    row = "A03"
    reference = "KRACK, CVE-2017-13077"
    defences = {Property.ORDER}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(1, 5)
        self._kept: Passing | None = None

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        interceptor.forward(passing)
        if passing.handshake or passing.sender is not Role.INITIATOR:
            return
        if passing.index == 0:
            self._kept = passing
        if passing.index == self._at and self._kept:
            interceptor.log(f"sent the client's frame 0 again after frame {self._at}")
            interceptor.forward(self._kept)

    def succeeded(self, evidence: Evidence) -> bool:
        return len(evidence.shown_to(Role.RESPONDER)) > len(evidence.said_by(Role.INITIATOR)) and not evidence.alarmed


@hookimpl
def layers() -> list[type[Replay]]:
    return [Replay]
