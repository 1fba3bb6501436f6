"""Eavesdropping: read what passes."""

from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack
from plytalk.lab.attacks.run import Evidence


class Eavesdrop(Attack):
    """Only listens, and looks for whatever tells two messages apart: words, keys, a key stream used twice.

    The oldest attack and the easiest: anyone on the same network, or at any machine on the way, can do it, and nobody can
    notice. Bytes that look like noise are not secret for that.
    """

    name = "eavesdrop"
    row = "A06"
    reference = "Venona, 1943: a key stream that was used twice"
    defences = {Property.SECRECY}

    def succeeded(self, evidence: Evidence) -> bool:
        return bool(evidence.learned)


@hookimpl
def layers() -> list[type[Eavesdrop]]:
    return [Eavesdrop]
