"""Duplicate: every message arrives twice."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class Duplicate(Attack):
    """Sends every frame of the conversation twice, both ways, the goodbyes too.

    Networks do this by themselves now and then, so that it raises no suspicion.
    """

    name = "duplicate"
    row = "A03"
    reference = "KRACK, CVE-2017-13077"
    defences = {Property.ORDER}

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        interceptor.forward(passing)
        if not passing.handshake:
            interceptor.forward(passing)

    def succeeded(self, evidence: Evidence) -> bool:
        return any(not evidence.faithful(role) for role in Role) and not evidence.alarmed


@hookimpl
def layers() -> list[type[Duplicate]]:
    return [Duplicate]
