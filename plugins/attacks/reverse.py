"""Reverse: let the whole conversation of one side arrive backwards."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class Reverse(Attack):
    """Collects every frame of the client and lets them pass in reverse order, the goodbye last.

    The extreme of reordering: each message is whole and old, and the order is the attacker's.
    """

    name = "reverse"
    row = "A04"
    reference = "MTProto, message reordering, 2021"
    defences = {Property.ORDER}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._held: list[Passing] = []

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if passing.handshake or passing.sender is not Role.INITIATOR:
            interceptor.forward(passing)
            return
        self._held.append(passing)
        if len(self._held) == 6:
            interceptor.log("sent the client's six frames in reverse")
            for held in reversed(self._held):
                interceptor.forward(held)
        elif len(self._held) > 6:
            interceptor.forward(passing)

    def succeeded(self, evidence: Evidence) -> bool:
        shown, said = evidence.shown_to(Role.RESPONDER), evidence.said_by(Role.INITIATOR)
        return bool(shown) and shown != said and not evidence.alarmed


@hookimpl
def layers() -> list[type[Reverse]]:
    return [Reverse]
