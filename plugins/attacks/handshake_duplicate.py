"""Duplicate the handshake: every message of it arrives twice."""

from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class HandshakeDuplicate(Attack):
    """Sends every handshake frame twice, both ways.

    A step that is repeated may start over with what is already in use.
    """

    name = "handshake-duplicate"
    row = "A03"
    reference = "KRACK, CVE-2017-13077"

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return stack.handshake.speaks_first is not None

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        interceptor.forward(passing)
        if passing.handshake:
            interceptor.log(f"sent the {passing.sender.value}'s handshake frame {passing.index} twice")
            interceptor.forward(passing)

    def succeeded(self, evidence: Evidence) -> bool:
        return any(side.opened for side in evidence.sides.values()) and not evidence.alarmed


@hookimpl
def layers() -> list[type[HandshakeDuplicate]]:
    return [HandshakeDuplicate]
