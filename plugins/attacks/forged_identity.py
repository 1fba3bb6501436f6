"""Forge an identity: the server's name with a signature by another key."""

from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.plugins.noise import impostor


class ForgedIdentity(impostor.Posing):
    """Poses as the server with the server's public key and a signature by another.

    Names are public. What counts is that the signature is looked at, and that a failed check is a no.
    """

    name = "forged-identity"
    row = "A01"
    reference = "Apple CVE-2014-1266, a signature check that was jumped over"

    async def take(self, interceptor: Interceptor) -> None:
        server, client = impostor.both(interceptor)
        offer = await server.offered()
        proof, own = await client.connect(offer.tokens), impostor.own_identity()
        interceptor.log("showed the client the server's name with a signature by another key")
        await server.serve(offer.tokens[0], lambda static: impostor.renamed(own(static), proof))


@hookimpl
def layers() -> list[type[ForgedIdentity]]:
    return [ForgedIdentity]
