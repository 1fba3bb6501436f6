"""Inject: say something that nobody said."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class Inject(Attack):
    """Sends a frame of the attacker's own making to the server.

    No key is needed where none is checked.
    """

    name = "inject"
    row = "A09"
    reference = "snow CVE-2024-58265, where a forged message moved the counter"
    defences = {Property.INTEGRITY}

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        interceptor.forward(passing)
        if passing.sender is Role.INITIATOR and not passing.handshake and passing.index == 1:
            interceptor.log("sent the server a message that the client never said")
            interceptor.send(Role.RESPONDER, passing.kind or MESSAGE, b"send the money to Mallory")

    def succeeded(self, evidence: Evidence) -> bool:
        shown = len(evidence.shown_to(Role.RESPONDER)) > len(evidence.said_by(Role.INITIATOR)) and not evidence.alarmed
        return shown or bool(evidence.forged(Role.RESPONDER))


@hookimpl
def layers() -> list[type[Inject]]:
    return [Inject]
