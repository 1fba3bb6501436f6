"""Downgrades: make the two sides agree on less than both can do."""

from abc import abstractmethod
from typing import ClassVar

from plytalk.core.contracts.attack import Attack, AttackedStack, Evidence, InterceptedFrame, Interceptor, Target
from plytalk.core.contracts.peers import Role
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.noise import impostor, preamble


class Downgrading(Attack):
    """An attack that edits the first handshake frame of `sender`, a preamble, so that the two sides agree on less."""

    threat = "A14"
    reference = "POODLE, CVE-2014-3566"
    target = Target.HANDSHAKE
    sender: ClassVar[Role] = Role.INITIATOR

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._edited = False

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return impostor.speaks_plytalk1(stack)

    @abstractmethod
    def edit(self, payload: bytes) -> bytes:
        """What arrives in place of the payload."""

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if not frame.handshake or frame.sender is not self.sender or frame.index:
            interceptor.forward(frame)
            return
        edited = self.edit(frame.payload)
        self._edited = edited != frame.payload
        interceptor.log(f"edited the {self.sender.value}'s first handshake frame: {edited!r}")
        interceptor.send(self.sender.other, frame.kind, edited)

    def succeeded(self, evidence: Evidence) -> bool:
        return self._edited and all(evidence.faithful(role) for role in Role) and not evidence.alarmed


class DowngradeStrip(Downgrading):
    """Takes the first suite out of the client's offer, so that the server chooses among the rest.

    Both sides are honest, and each believes that the other can do no better. From an offer of one suite there is nothing to take.
    """

    name = "downgrade-strip"

    def edit(self, payload: bytes) -> bytes:
        tokens = preamble.Offer.decode(payload).tokens
        return preamble.Offer(tokens[1:] or tokens).encode()


class DowngradeReorder(Downgrading):
    """Reverses the client's offer, so that its least preferred suite comes first.

    The server takes what the client seems to want most. Where one suite is offered, a second one is added.
    """

    name = "downgrade-reorder"

    def edit(self, payload: bytes) -> bytes:
        tokens = preamble.Offer.decode(payload).tokens
        return preamble.Offer((*reversed(tokens), *(impostor.FOREIGN if len(tokens) == 1 else ()))).encode()


class DowngradeAnswer(Downgrading):
    """Adds a suite to the list of those that the server supports.

    What is said before there are keys can come from anyone, unless the keys depend on all of it.
    """

    name = "downgrade-answer"
    sender = Role.RESPONDER

    def edit(self, payload: bytes) -> bytes:
        answer = preamble.Answer.decode(payload)
        return preamble.Answer(answer.chosen, (*answer.known, *impostor.FOREIGN)).encode()


class DowngradeImpose(impostor.Posing):
    """Poses as a server that chooses a weak suite which the client did not offer.

    There is an offer, and the client does not check that the answer is in it.
    """

    name = "downgrade-impose"
    threat = "A14"
    reference = "FREAK, CVE-2015-0204"
    target = Target.HANDSHAKE

    async def take_over(self, interceptor: Interceptor) -> None:
        server = impostor.ImpostorServer((await interceptor.impersonate(Role.RESPONDER)).io)
        await server.offered()
        [suite] = impostor.FOREIGN
        interceptor.log(f"chose {suite}, which the client did not offer")
        await server.serve(suite, impostor.own_identity())


class DowngradeRetry(impostor.Posing):
    """Answers in the server's place that there is no common suite and that it supports a weak one, and waits for a retry.

    A failure costs the attacker nothing. A program that tries again with less does the rest of the attack itself.
    """

    name = "downgrade-retry"
    threat = "A14"
    reference = "POODLE, CVE-2014-3566, the downgrade dance"
    target = Target.HANDSHAKE

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._tried_again = False

    async def take_over(self, interceptor: Interceptor) -> None:
        server = impostor.ImpostorServer((await interceptor.impersonate(Role.RESPONDER)).io)
        await server.offered()
        interceptor.log(f"told the client that the server knows {impostor.FOREIGN[0]} alone")
        await server.refuse(impostor.FOREIGN)
        await server.offered()
        self._tried_again = True

    def succeeded(self, evidence: Evidence) -> bool:
        return self._tried_again


@hookimpl
def attacks() -> list[type[Attack]]:
    return [DowngradeStrip, DowngradeReorder, DowngradeAnswer, DowngradeImpose, DowngradeRetry]
