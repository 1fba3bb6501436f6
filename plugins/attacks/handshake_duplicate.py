"""Duplicate the handshake: every message of it arrives twice."""

from plytalk.core.hookspecs import hookimpl
from plytalk.core.lab.attack import Attack, Passing
from plytalk.core.lab.middle import Middle
from plytalk.core.lab.play import Evidence
from plytalk.core.stack import Stack


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

    def frame(self, middle: Middle, passing: Passing) -> None:
        middle.forward(passing)
        if passing.handshake:
            middle.log(f"sent the {passing.sender.value}'s handshake frame {passing.index} twice")
            middle.forward(passing)

    def succeeded(self, evidence: Evidence) -> bool:
        return any(side.opened for side in evidence.sides.values()) and not evidence.alarmed


@hookimpl
def layers() -> list[type[HandshakeDuplicate]]:
    return [HandshakeDuplicate]
