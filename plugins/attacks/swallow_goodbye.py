"""Swallow the goodbye: the last message never arrives, the connection ends."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class SwallowGoodbye(Attack):
    """Keeps the client's last frames and closes the connection to the server in their place.

    Everything arrives but the end: the withdrawal, the signature, the bye.
    """

    name = "swallow-goodbye"
    row = "A05"
    reference = "TLS truncation, Smyth and Pironti 2013"
    defences = {Property.CLEAN_END}

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if passing.sender is Role.INITIATOR and not passing.handshake and passing.index >= 5:
            interceptor.log(f"swallowed the client's frame {passing.index}")
            interceptor.close(Role.RESPONDER)
            return
        interceptor.forward(passing)

    def succeeded(self, evidence: Evidence) -> bool:
        return not evidence.faithful(Role.INITIATOR) and not evidence.sides[Role.RESPONDER].alarms


@hookimpl
def layers() -> list[type[SwallowGoodbye]]:
    return [SwallowGoodbye]
