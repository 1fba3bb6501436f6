"""Selfie: connect a side to itself, or to another process that has its identity."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Stream
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Takeover
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class Selfie(Takeover):
    """Passes the client's connection back to a server that has the client's own keys, as a peer to peer program is both.

    Both sides hold the right keys, and nobody else is there.
    """

    name = "selfie"
    row = "A02"
    reference = "Selfie, Drucker and Gueron 2019, TLS 1.3 with pre-shared keys"

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return stack.handshake.shows == set(Role)  # who shows nothing cannot see that it is itself

    async def take(self, interceptor: Interceptor) -> None:
        client, mirror = interceptor.streams[Role.INITIATOR], await self.mirror(interceptor)
        interceptor.log("connected the client to itself")
        client.deliver_to(lambda data: mirror.send(bytes(data)), lambda error: mirror.finish())
        mirror.deliver_to(lambda data: client.send(bytes(data)), lambda error: client.finish())

    async def mirror(self, interceptor: Interceptor) -> Stream:
        """The stream to the peer in the server's place."""
        return await interceptor.meet(Role.INITIATOR)

    def succeeded(self, evidence: Evidence) -> bool:
        return evidence.sides[Role.INITIATOR].opened


class CopiedKey(Selfie):
    """Connects the client to a server on another machine that shows the client's own identity, under a fresh static key.

    An identity that is copied from one machine to another proves nothing to its owner.
    """

    name = "copied-key"
    row = "A56"
    reference = "Debian CVE-2008-0166, where many machines had the same keys"
    far = True

    async def mirror(self, interceptor: Interceptor) -> Stream:
        return await interceptor.meet(Role.INITIATOR, await interceptor.leaked(Role.INITIATOR))


@hookimpl
def layers() -> list[type[Selfie]]:
    return [Selfie, CopiedKey]
