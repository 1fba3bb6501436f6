"""Truncate: cut the connection so that it looks like an end."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class Truncate(Attack):
    """Closes both connections after a frame drawn by the seed; nobody said goodbye.

    Do not sell, and here the line goes dead. Where an end is not authenticated, every cut is one.
    """

    name = "truncate"
    row = "A05"
    reference = "TLS truncation, Smyth and Pironti 2013"
    defences = {Property.CLEAN_END}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(1, 5)
        self._cut = False

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if self._cut:
            return
        interceptor.forward(passing)
        if passing.sender is Role.INITIATOR and not passing.handshake and passing.index == self._at:
            interceptor.log(f"cut both connections after the client's frame {self._at}")
            self._cut = True
            interceptor.cut()

    def succeeded(self, evidence: Evidence) -> bool:
        return self._cut and not evidence.alarmed


@hookimpl
def layers() -> list[type[Truncate]]:
    return [Truncate]
