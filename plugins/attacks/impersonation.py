"""Impersonation: take the place of one side, or of both."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress

from plytalk.core.bases.attacking import Takeover
from plytalk.core.contracts.attack import CANARY, Attack, AttackedStack, AttackerConnection, Evidence, Interceptor, Outcome
from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.items import Item
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.sanitise import clean
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.noise import impostor

REWRITTEN = "rewritten"


class ManInTheMiddle(Takeover):
    """Does one handshake with the client and another with the server, under its own keys; then reads and rewrites every word.

    Both users see an encrypted conversation that works. Only a key that they know beforehand tells them with whom it is.
    """

    name = "mitm"
    threat = "A01"
    reference = "OpenSSH CVE-2025-26465, a check of the host's key that failed open"
    defences = {Property.PEER_IDENTITY}
    victims = frozenset(Role)

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._read: list[str] = []

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return stack.handshake.speaks_first is not None

    async def take_over(self, interceptor: Interceptor) -> None:
        to_client, to_server = await interceptor.impersonate_both()
        async with asyncio.TaskGroup() as both:
            both.create_task(self._relay(to_client, to_server, interceptor))
            both.create_task(self._relay(to_server, to_client, interceptor))

    async def _relay(self, source: AttackerConnection, target: AttackerConnection, interceptor: Interceptor) -> None:
        with suppress(ChatError):
            while True:
                target.say(*self._rewrite(await source.hear(), interceptor))

    def _rewrite(self, items: Sequence[Item], interceptor: Interceptor) -> Iterator[Item]:
        for item in items:
            if isinstance(item, str):
                self._read.append(item)
                interceptor.log(f"read {clean(item)!r}")
                yield item.replace(CANARY, REWRITTEN)
            else:
                yield item

    def succeeded(self, evidence: Evidence) -> bool:
        shown = evidence.participants[Role.RESPONDER].shown
        return any(CANARY in line for line in self._read) and any(REWRITTEN in line for line in shown)


class EarlySecret(Takeover):
    """Poses as the server until the client has sent what was meant for the server alone: a session key, or who it is.

    A check that comes after the secret comes too late, whatever its result.
    """

    name = "early-secret"
    threat = "A01"
    reference = "OpenSSH CVE-2025-26465, a check of the host's key that failed open"
    defences = {Property.PEER_IDENTITY}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._finished = False

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return stack.handshake.speaks_first is not None

    @classmethod
    def predict(cls, stack: AttackedStack) -> Outcome:
        """An authenticator that decides when the handshake is done decides too late."""
        late = [auth for auth in stack.auths if not auth.agrees and type(auth).check is Authenticator.check]
        judges = [layer for layer in (stack.handshake, *stack.auths) if Property.PEER_IDENTITY in layer.gives]
        if cls.applies(stack) and all(judge in late for judge in judges):
            return Outcome.BROKEN
        return super().predict(stack)

    async def take_over(self, interceptor: Interceptor) -> None:
        await (await interceptor.impersonate(Role.RESPONDER)).shake_hands()
        interceptor.log("finished the client's handshake in the server's place")
        self._finished = True

    def succeeded(self, evidence: Evidence) -> bool:
        return self._finished or evidence.participants[Role.INITIATOR].opened


class BorrowedIdentity(impostor.Posing):
    """Asks the server for the proof of its identity, and shows that to the client under a key of the attacker's.

    A proof that does not say what it proves can be shown by everyone who has seen it.
    """

    name = "borrowed-identity"
    threat = "A01"
    reference = "Lowe's attack on Needham and Schroeder's protocol, 1995"

    async def take_over(self, interceptor: Interceptor) -> None:
        server, client = await impostor.both(interceptor)
        offer = await server.offered()
        proof = await client.connect(offer.tokens)
        interceptor.log("showed the client the proof that the server had given")
        await server.serve(offer.tokens[0], lambda static: proof)


class ForgedIdentity(impostor.Posing):
    """Poses as the server with the server's public key and a signature by another.

    Public keys are public. What counts is that the signature is checked, and that a failed check is a refusal.
    """

    name = "forged-identity"
    threat = "A01"
    reference = "Apple CVE-2014-1266, a signature check that was jumped over"

    async def take_over(self, interceptor: Interceptor) -> None:
        server, client = await impostor.both(interceptor)
        offer = await server.offered()
        proof, own = await client.connect(offer.tokens), impostor.own_identity()
        interceptor.log("showed the client the server's name with a signature by another key")
        await server.serve(offer.tokens[0], lambda static: impostor.renamed(own(static), proof))


@hookimpl
def attacks() -> list[type[Attack]]:
    return [ManInTheMiddle, EarlySecret, BorrowedIdentity, ForgedIdentity]
