"""Borrow an identity: show the server's own proof with another key."""

from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.plugins.noise import impostor


class BorrowedIdentity(impostor.Posing):
    """Asks the server for the proof of its identity, and shows that to the client under a key of the attacker's own.

    A proof that does not say what it proves can be shown by anybody who has seen it.
    """

    name = "borrowed-identity"
    row = "A01"
    reference = "Lowe's attack on Needham and Schroeder's protocol, 1995"

    async def take(self, interceptor: Interceptor) -> None:
        server, client = impostor.both(interceptor)
        offer = await server.offered()
        proof = await client.connect(offer.tokens)
        interceptor.log("showed the client the proof that the server had given")
        await server.serve(offer.tokens[0], lambda static: proof)


@hookimpl
def layers() -> list[type[BorrowedIdentity]]:
    return [BorrowedIdentity]
