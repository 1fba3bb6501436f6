"""Reorder: let a message arrive after the next one."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class Reorder(Attack):
    """Holds one frame of the client back until the next has passed.

    Yes, no; buy, sell: what was said stays true to the letter, and means something else.
    """

    name = "reorder"
    row = "A04"
    reference = "MTProto, message reordering, 2021"
    defences = {Property.ORDER}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(0, 4)
        self._held: Passing | None = None

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if passing.handshake or passing.sender is not Role.INITIATOR:
            interceptor.forward(passing)
        elif passing.index == self._at:
            self._held = passing
        else:
            interceptor.forward(passing)
            if self._held:
                interceptor.log(f"sent the client's frame {self._at} after frame {passing.index}")
                interceptor.forward(self._held)
                self._held = None

    def succeeded(self, evidence: Evidence) -> bool:
        shown, said = evidence.shown_to(Role.RESPONDER), evidence.said_by(Role.INITIATOR)
        return sorted(shown) == sorted(said) and shown != said and not evidence.alarmed


@hookimpl
def layers() -> list[type[Reorder]]:
    return [Reorder]
