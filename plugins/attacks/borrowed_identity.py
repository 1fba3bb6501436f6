"""Borrow an identity: show the server's own proof with another key."""

from plytalk.core.hookspecs import hookimpl
from plytalk.core.keys import Role
from plytalk.core.lab.attack import Takeover
from plytalk.core.lab.middle import Middle
from plytalk.core.lab.play import Evidence
from plytalk.core.stack import Stack
from plytalk.plugins.noise import impostor


class BorrowedIdentity(Takeover):
    """Asks the server for the proof of its identity, and shows that to the client under a key of the attacker's own.

    A proof that does not say what it proves can be shown by anybody who has seen it.
    """

    name = "borrowed-identity"
    row = "A01"
    reference = "Lowe's attack on Needham and Schroeder's protocol, 1995"

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return impostor.attackable(stack)

    async def take(self, middle: Middle) -> None:
        server, client = impostor.Server(middle.leg(Role.RESPONDER).wire), impostor.Client(middle.leg(Role.INITIATOR).wire)
        offer = await server.offered()
        proof = await client.connect(offer.tokens)
        middle.log("showed the client the proof that the server had given")
        await server.serve(offer.tokens[0], lambda static: proof)

    def succeeded(self, evidence: Evidence) -> bool:
        return evidence.sides[Role.INITIATOR].opened


@hookimpl
def layers() -> list[type[BorrowedIdentity]]:
    return [BorrowedIdentity]
