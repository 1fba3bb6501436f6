"""Drop: let one message disappear."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class Drop(Attack):
    """Keeps one frame of the client, drawn by the seed, from arriving.

    What is missing leaves no trace where nothing is counted: not the payment, but its recall disappears.
    """

    name = "drop"
    row = "A04"
    reference = "Terrapin, CVE-2023-48795"
    defences = {Property.ORDER}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(0, 5)

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if passing.sender is Role.INITIATOR and not passing.handshake and passing.index == self._at:
            interceptor.log(f"dropped the client's frame {self._at}")
            return
        interceptor.forward(passing)

    def succeeded(self, evidence: Evidence) -> bool:
        return not evidence.faithful(Role.INITIATOR) and not evidence.alarmed


@hookimpl
def layers() -> list[type[Drop]]:
    return [Drop]
