"""Guess: try one code after another."""

from contextlib import suppress

from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.optional import SingleUse
from plytalk.core.contracts.peers import Role
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor, Leg
from plytalk.lab.attacks.run import Evidence

TRIES = 10


class Guess(Attack):
    """Keeps the client away, and tries ten codes at the server, each in its own conversation.

    A secret that two people can say on the telephone can be guessed by who may guess for ever.
    """

    name = "guess"
    row = "A20"
    reference = "WPS, CVE-2011-5053, a number of eight digits that could be tried for ever"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._answered = 0

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return any(isinstance(auth, SingleUse) for auth in stack.auths)

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        """Nobody else is to use the code."""

    async def after(self, interceptor: Interceptor) -> None:
        for _ in range(TRIES):
            leg = Leg(interceptor.stack, stream := await interceptor.meet(), Role.INITIATOR, lambda role: None)
            with suppress(ChatError):
                await leg.shake()
                self._answered += 1
            stream.close()
        interceptor.log(f"tried {TRIES} codes, of which the server judged {self._answered}")

    def succeeded(self, evidence: Evidence) -> bool:
        return self._answered == TRIES


@hookimpl
def layers() -> list[type[Guess]]:
    return [Guess]
