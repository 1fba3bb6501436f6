"""A hollow key: an ML-KEM key that is none."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Takeover
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence
from plytalk.plugins.noise import impostor


class HollowKem(Takeover):
    """Poses as a client whose ML-KEM key has numbers that are too large.

    What is not checked before it is used gives secrets that the attacker knows, or a crash.
    """

    name = "hollow-kem"
    row = "A16"
    reference = "FIPS 203, section 7.2, the modulus check"

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return impostor.attackable(stack) and Property.POST_QUANTUM in stack.gives

    async def take(self, interceptor: Interceptor) -> None:
        server, client = impostor.both(interceptor)
        offer = await server.offered()
        interceptor.log("showed the server an ML-KEM key whose numbers are too large")
        await client.connect(offer.tokens, kem=impostor.HOLLOW)
        await client.finish(impostor.own_identity())

    def succeeded(self, evidence: Evidence) -> bool:
        return evidence.sides[Role.RESPONDER].opened


@hookimpl
def layers() -> list[type[HollowKem]]:
    return [HollowKem]
