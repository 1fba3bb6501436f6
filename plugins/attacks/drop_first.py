"""Drop from the start: the first messages never arrive."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class DropFirst(Attack):
    """Keeps the first two frames of the conversation from arriving.

    The beginning is the best place to cut: a counter that starts with the first message seen notices nothing.
    """

    name = "drop-first"
    row = "A04"
    reference = "Terrapin, CVE-2023-48795"
    defences = {Property.ORDER}

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if passing.sender is Role.INITIATOR and not passing.handshake and passing.index < 2:
            interceptor.log(f"dropped the client's frame {passing.index}")
            return
        interceptor.forward(passing)

    def succeeded(self, evidence: Evidence) -> bool:
        return not evidence.faithful(Role.INITIATOR) and not evidence.alarmed


@hookimpl
def layers() -> list[type[DropFirst]]:
    return [DropFirst]
