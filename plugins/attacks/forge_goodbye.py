"""Forge a goodbye: end the conversation in the name of the other side."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class ForgeGoodbye(Attack):
    """Sends the word exit to the server, as the client would in plaintext, and drops what follows.

    The shortest forged message of all; both sides believe that the other has left.
    """

    name = "forge-goodbye"
    row = "A05"
    reference = "TLS truncation, Smyth and Pironti 2013"
    defences = {Property.INTEGRITY}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._forged = False

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if passing.sender is Role.INITIATOR and not passing.handshake and passing.index >= 2:
            if not self._forged:
                interceptor.log("told the server that the client had said exit")
                interceptor.send(Role.RESPONDER, passing.kind or MESSAGE, b"exit")
            self._forged = True
            return
        interceptor.forward(passing)

    def succeeded(self, evidence: Evidence) -> bool:
        server = evidence.sides[Role.RESPONDER]
        believed = not server.alarms and not evidence.faithful(Role.INITIATOR)
        return self._forged and (believed or bool(evidence.forged(Role.RESPONDER)))


@hookimpl
def layers() -> list[type[ForgeGoodbye]]:
    return [ForgeGoodbye]
