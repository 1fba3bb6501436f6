"""Drop the other way: the server's words disappear."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class DropAnswers(Attack):
    """Keeps two frames of the server, drawn by the seed, from arriving.

    Defences that hold in one direction only have been shipped before.
    """

    name = "drop-answers"
    row = "A04"
    reference = "Terrapin, CVE-2023-48795"
    defences = {Property.ORDER}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = set(self.random.sample(range(5), 2))

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if passing.sender is Role.RESPONDER and not passing.handshake and passing.index in self._at:
            interceptor.log(f"dropped the server's frame {passing.index}")
            return
        interceptor.forward(passing)

    def succeeded(self, evidence: Evidence) -> bool:
        return not evidence.faithful(Role.RESPONDER) and not evidence.alarmed


@hookimpl
def layers() -> list[type[DropAnswers]]:
    return [DropAnswers]
