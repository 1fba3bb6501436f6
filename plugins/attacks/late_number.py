"""Attacks on what the server's person is asked: choose the number late, or have the answer to another question."""

import asyncio
import os
from contextlib import suppress

from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.peers import Role
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Attack, Takeover
from plytalk.lab.attacks.interceptor import Interceptor, Leg
from plytalk.lab.attacks.run import Evidence
from plytalk.lab.attacks.sides import quiet

LENGTH = 32


class LateNumber(Takeover):
    """Poses as a client that promises one random number, waits for the server's, and then shows another.

    The side that chooses last can try numbers until the words are those that the other person reads. The lab does not wait for
    that: the server's person should not even be asked.
    """

    name = "late-number"
    row = "A01"
    reference = "Vaudenay 2005, Secure Communications over Insecure Channels Based on Short Authenticated Strings"

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return any(auth.name == "words" for auth in stack.auths)

    async def take(self, interceptor: Interceptor) -> None:
        leg = interceptor.leg(Role.INITIATOR)
        await leg.shake()
        await leg.channel.send(os.urandom(LENGTH))
        await leg.channel.receive()
        interceptor.log("showed the server another number than it had promised")
        await leg.channel.send(os.urandom(LENGTH))

    def succeeded(self, evidence: Evidence) -> bool:
        return bool(evidence.sides[Role.RESPONDER].asked)


class WrongAsker(Attack):
    """Connects before the honest client does, and waits for the yes that the server's person says to that one's words.

    A person answers the question on the screen. A program that gives the answer to whatever question came first lets in any peer
    that asked first.
    """

    name = "wrong-asker"
    row = "A56"
    reference = "race conditions in permission prompts, such as Firefox CVE-2019-11725"
    one_person = True

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return LateNumber.applies(stack)

    async def between(self, interceptor: Interceptor) -> bool:
        leg = Leg(interceptor.stack, await interceptor.meet(), Role.INITIATOR, lambda role: None)
        self._waiting = asyncio.create_task(self._wait(leg))
        await quiet()
        interceptor.log("connected to the server before the client did")
        return False

    @staticmethod
    async def _wait(leg: Leg) -> None:
        with suppress(ChatError):
            await leg.open()

    async def after(self, interceptor: Interceptor) -> None:
        self._waiting.cancel()
        with suppress(asyncio.CancelledError):
            await self._waiting

    def succeeded(self, evidence: Evidence) -> bool:
        return any(side.opened for side in evidence.later)


@hookimpl
def layers() -> list[type[Attack]]:
    return [LateNumber, WrongAsker]
