"""Pairing: get past a code, a secret, words that users compare, or a question to the user."""

import asyncio
import os
from contextlib import suppress

from plytalk.core.bases.attacking import Takeover, wait_until_idle
from plytalk.core.contracts.attack import (
    Attack,
    AttackedStack,
    AttackerConnection,
    Evidence,
    InterceptedFrame,
    Interceptor,
    Target,
)
from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.optional import SingleUse
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl

TRIES = 10
RANDOM_BYTES = 32


class Uninvited(Takeover):
    """Connects to the server with a key, a code or words of the attacker's, and tries to get in.

    A server that uses no list and no secret lets in everyone who can reach it.
    """

    name = "uninvited"
    threat = "A56"
    reference = "Redis CVE-2022-0543, on servers that were open to all"
    target = Target.IDENTITY
    defences = {Property.PEER_IDENTITY}
    victims = frozenset({Role.RESPONDER})

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return stack.handshake.speaks_first is not None

    async def take_over(self, interceptor: Interceptor) -> None:
        await (await interceptor.impersonate(Role.INITIATOR)).open()

    def succeeded(self, evidence: Evidence) -> bool:
        return evidence.participants[Role.RESPONDER].opened


class Guess(Attack):
    """Keeps the client away, and tries ten codes at the server, each in a new conversation.

    A secret that is short enough to be read out can be guessed, unless the number of tries is limited.
    """

    name = "guess"
    threat = "A20"
    reference = "WPS, CVE-2011-5053, a number of eight digits that could be tried for ever"
    target = Target.IDENTITY

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._answered = 0

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return any(isinstance(auth, SingleUse) for auth in stack.auths)

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        """Drop it: the client must not use the code."""

    async def finish(self, interceptor: Interceptor) -> None:
        for _ in range(TRIES):
            stream = await interceptor.connect()
            connection = await interceptor.impersonate(Role.INITIATOR, stream)
            with suppress(ChatError):
                await connection.shake_hands()
                self._answered += 1
            stream.close()
        interceptor.log(f"tried {TRIES} codes, of which the server judged {self._answered}")

    def succeeded(self, evidence: Evidence) -> bool:
        return self._answered == TRIES


class WrongProof(Takeover):
    """Has the pre-shared key, and proves it with the proof of another conversation.

    A proof that is received and not compared proves nothing.
    """

    name = "wrong-proof"
    threat = "A01"
    reference = "Apple CVE-2014-1266, goto fail: a signature that was read and not checked"
    target = Target.IDENTITY

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return any(auth.agrees for auth in stack.auths)

    async def take_over(self, interceptor: Interceptor) -> None:
        connection = await interceptor.impersonate(Role.INITIATOR, leaked=True)
        await connection.shake_hands()
        interceptor.log("sent the server the proof of another conversation")
        await connection.channel.send(os.urandom(RANDOM_BYTES))
        await connection.channel.receive()

    def succeeded(self, evidence: Evidence) -> bool:
        return evidence.participants[Role.RESPONDER].opened


class LateNumber(Takeover):
    """Poses as a client that promises one random number, waits for the server's, and then shows another.

    The side that chooses last can try numbers until the words are those that the other user reads. The lab does not run that
    search: the server's user should not even be asked.
    """

    name = "late-number"
    threat = "A01"
    reference = "Vaudenay 2005, Secure Communications over Insecure Channels Based on Short Authenticated Strings"
    target = Target.IDENTITY

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return any(auth.name == "words" for auth in stack.auths)

    async def take_over(self, interceptor: Interceptor) -> None:
        connection = await interceptor.impersonate(Role.INITIATOR)
        await connection.shake_hands()
        await connection.channel.send(os.urandom(RANDOM_BYTES))
        await connection.channel.receive()
        interceptor.log("showed the server another number than it had promised")
        await connection.channel.send(os.urandom(RANDOM_BYTES))

    def succeeded(self, evidence: Evidence) -> bool:
        return bool(evidence.participants[Role.RESPONDER].asked)


class WrongAsker(Attack):
    """Connects before the honest client does, and waits for the yes that the server's user says to the client's words.

    A user answers the question on the screen. A program that gives this answer to the question that came first lets in the peer
    that asked first.
    """

    name = "wrong-asker"
    threat = "A56"
    reference = "race conditions in permission prompts, such as Firefox CVE-2019-11725"
    target = Target.IDENTITY
    shared_terminal = True

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return LateNumber.applies(stack)

    async def start(self, interceptor: Interceptor) -> bool:
        connection = await interceptor.impersonate(Role.INITIATOR, await interceptor.connect())
        self._waiting = asyncio.create_task(self._wait(connection))
        await wait_until_idle()
        interceptor.log("connected to the server before the client did")
        return False

    @staticmethod
    async def _wait(connection: AttackerConnection) -> None:
        with suppress(ChatError):
            await connection.open()

    async def finish(self, interceptor: Interceptor) -> None:
        self._waiting.cancel()
        with suppress(asyncio.CancelledError):
            await self._waiting

    def succeeded(self, evidence: Evidence) -> bool:
        return any(user.opened for user in evidence.later)


@hookimpl
def attacks() -> list[type[Attack]]:
    return [Uninvited, Guess, WrongProof, LateNumber, WrongAsker]
