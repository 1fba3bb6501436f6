"""Replay the other way: the server says it twice."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class ReplayAnswers(Attack):
    """Sends the server's first answer again after each later one.

    A defence has to hold in both directions, and at every later place.
    """

    name = "replay-answers"
    row = "A03"
    reference = "Threema, message replay, 2023"
    defences = {Property.ORDER}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._first: Passing | None = None

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        interceptor.forward(passing)
        if passing.sender is Role.RESPONDER and not passing.handshake:
            if self._first is None:
                self._first = passing
            else:
                interceptor.log(f"sent the server's frame 0 again after frame {passing.index}")
                interceptor.forward(self._first)

    def succeeded(self, evidence: Evidence) -> bool:
        return len(evidence.shown_to(Role.INITIATOR)) > len(evidence.said_by(Role.RESPONDER)) and not evidence.alarmed


@hookimpl
def layers() -> list[type[ReplayAnswers]]:
    return [ReplayAnswers]
