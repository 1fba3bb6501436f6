"""Downgrade by order: the worst suite comes first."""

from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.noise import impostor, preamble


class DowngradeReorder(impostor.Downgrading):
    """Turns the client's offer round, so that what it wants least stands first.

    The server takes what the client seems to want most. Where a single suite is offered, another one joins it.
    """

    name = "downgrade-reorder"

    def edited(self, payload: bytes) -> bytes:
        tokens = preamble.Offer.decode(payload).tokens
        return preamble.Offer((*reversed(tokens), *(impostor.FOREIGN if len(tokens) == 1 else ()))).encode()


@hookimpl
def layers() -> list[type[DowngradeReorder]]:
    return [DowngradeReorder]
