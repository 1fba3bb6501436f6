"""Downgrade by leaving out: the best suites disappear from the offer."""

from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.noise import impostor, preamble


class DowngradeStrip(impostor.Downgrading):
    """Takes the first suite out of the client's offer, so that the server chooses among the rest.

    Nobody lies, and both sides believe that the other one can do no better. Of a single suite there is
    nothing to take.
    """

    name = "downgrade-strip"

    def edited(self, payload: bytes) -> bytes:
        tokens = preamble.Offer.decode(payload).tokens
        return preamble.Offer(tokens[1:] or tokens).encode()


@hookimpl
def layers() -> list[type[DowngradeStrip]]:
    return [DowngradeStrip]
