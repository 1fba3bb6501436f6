"""Impersonation: take the place of one side, or of both."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from msgspec.structs import replace

from plytalk.core.bases.attacking import Takeover
from plytalk.core.contracts.attack import (
    CANARY,
    Attack,
    AttackedStack,
    AttackerConnection,
    Evidence,
    Interceptor,
    Outcome,
    Target,
)
from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.items import Extension, Item
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.spans import TEXT, Passed, Span, describe
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.noise import impostor

REWRITTEN = "rewritten"


class ManInTheMiddle(Takeover):
    """Does one handshake with the client and another with the server, under its own keys; then reads and rewrites every word.

    Both users see an encrypted conversation that works. Only a key that they know in advance tells them with whom it is.
    """

    name = "mitm"
    threat = "A01"
    reference = "OpenSSH CVE-2025-26465, a check of the host's key that failed open"
    target = Target.IDENTITY
    defences = {Property.PEER_IDENTITY}
    victims = frozenset(Role)

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._read: list[str] = []
        self._rules: Mapping[str, str] = {CANARY: REWRITTEN}
        self._changed: dict[tuple[Role, str], str] = {}  # what a side said, by the other side and what that was told

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return stack.handshake.speaks_first is not None

    def rewrite(self, rules: Mapping[str, str]) -> None:
        self._rules = rules

    async def take_over(self, interceptor: Interceptor) -> None:
        to_client, to_server = await interceptor.impersonate_both()
        async with asyncio.TaskGroup() as both:
            both.create_task(self._relay(Role.INITIATOR, to_client, to_server, interceptor))
            both.create_task(self._relay(Role.RESPONDER, to_server, to_client, interceptor))

    async def _relay(
        self, sender: Role, source: AttackerConnection, target: AttackerConnection, interceptor: Interceptor
    ) -> None:
        with suppress(ChatError):
            while True:
                target.say(*[self._pass_on(sender, item, interceptor) for item in await source.hear()])

    def _pass_on(self, sender: Role, item: Item, interceptor: Interceptor) -> Item:
        """What the other side is told in place of an item; an item of a feature has words where that feature says so."""
        if isinstance(item, str):
            return self._rewritten(sender, item, interceptor)
        if isinstance(item, Extension):
            body = item.body
            for span in reversed(text_in(item, interceptor.stack)):
                words = body[span.start : span.end].decode(errors="replace")
                body = body[: span.start] + self._rewritten(sender, words, interceptor).encode() + body[span.end :]
            return replace(item, body=body)
        return item

    def _rewritten(self, sender: Role, words: str, interceptor: Interceptor) -> str:
        self._read.append(words)
        told, passed = words, f"passed it on to the {sender.other.value}"
        if (sender, words) in self._changed:  # a server sends what a member says back to it
            told = self._changed[sender, words]
            passed = f"showed the {sender.other.value} its own {clean(told)!r}"
        else:
            for old, new in self._rules.items():
                told = told.replace(old, new)
            if told != words:
                self._changed[sender.other, told] = words
                passed = f"told the {sender.other.value} {clean(told)!r}"
        interceptor.log(f"read the {sender.value}'s {clean(words)!r}, and {passed}")
        return told

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
    target = Target.IDENTITY
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
    target = Target.IDENTITY

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
    target = Target.IDENTITY

    async def take_over(self, interceptor: Interceptor) -> None:
        server, client = await impostor.both(interceptor)
        offer = await server.offered()
        proof, own = await client.connect(offer.tokens), impostor.own_identity()
        interceptor.log("showed the client the server's name with a signature by another key")
        await server.serve(offer.tokens[0], lambda static: impostor.renamed(own(static), proof))


def text_in(item: Extension, stack: AttackedStack) -> list[Span]:
    """The spans of an item's body that hold what somebody said."""
    message = Passed(item.body, bytes([item.type]))
    return [span for feature in stack.features for span in describe(feature, message) if span.name == TEXT]


@hookimpl
def attacks() -> list[type[Attack]]:
    return [ManInTheMiddle, EarlySecret, BorrowedIdentity, ForgedIdentity]
