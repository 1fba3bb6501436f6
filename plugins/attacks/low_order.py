"""Low order: a public key with which every secret is zero."""

from plytalk.core.contracts.peers import Role
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.plugins.noise import impostor


class LowOrder(impostor.Posing):
    """Poses as a server whose public keys are points of low order, so that both X25519 results are known beforehand.

    A peer that goes on has agreed on a secret that everybody knows.
    """

    name = "low-order"
    row = "A16"
    reference = "Cremers and Jackson 2019, Prime, Order Please"

    async def take(self, interceptor: Interceptor) -> None:
        server = impostor.ImpostorServer(interceptor.leg(Role.RESPONDER).io)
        offer = await server.offered()
        interceptor.log("showed the client public keys of low order")
        await server.serve(offer.tokens[0], impostor.own_identity(), dh=impostor.LOW_ORDER)


@hookimpl
def layers() -> list[type[LowOrder]]:
    return [LowOrder]
