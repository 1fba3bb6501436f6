"""Eavesdropping: read what passes."""

from plytalk.core.hookspecs import hookimpl
from plytalk.core.lab.attack import Attack
from plytalk.core.lab.play import CANARY, Evidence
from plytalk.core.properties import Property


class Eavesdrop(Attack):
    """Only listens, and looks for the words in what passed.

    The oldest attack and the easiest: anyone on the same network, or at any machine on the way, can do it, and nobody can
    notice.
    """

    name = "eavesdrop"
    row = "A06"
    reference = "every plaintext chat"
    defences = {Property.SECRECY}

    def succeeded(self, evidence: Evidence) -> bool:
        return CANARY.encode() in evidence.captured


@hookimpl
def layers() -> list[type[Eavesdrop]]:
    return [Eavesdrop]
