"""Downgrade by order: the worst suite comes first."""

from plytalk.core.hookspecs import hookimpl
from plytalk.core.lab.attack import Editing
from plytalk.core.stack import Stack
from plytalk.plugins.noise import impostor, preamble


class DowngradeReorder(Editing):
    """Turns the client's offer round, so that what it wants least stands first.

    The server takes what the client seems to want most. Where a single suite is offered, another one joins it.
    """

    name = "downgrade-reorder"
    row = "A14"
    reference = "POODLE, CVE-2014-3566"

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return impostor.attackable(stack)

    def edited(self, payload: bytes) -> bytes:
        tokens = preamble.Offer.decode(payload).tokens
        return preamble.Offer((*reversed(tokens), *(impostor.FOREIGN if len(tokens) == 1 else ()))).encode()


@hookimpl
def layers() -> list[type[DowngradeReorder]]:
    return [DowngradeReorder]
