"""Retype: a message becomes something else."""

from plytalk.core.contracts.peers import Role
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class Retype(Attack):
    """Changes the type in a frame's header from message to public key.

    A header that is not part of what is sealed can be changed without any key.
    """

    name = "retype"
    row = "A07"
    reference = "Terrapin, CVE-2023-48795"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(0, 5)

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return getattr(stack.framer.layer, "typed", False)

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if passing.sender is Role.INITIATOR and not passing.handshake and passing.index == self._at:
            interceptor.log(f"made the client's frame {self._at} a public key by its header")
            interceptor.send(Role.RESPONDER, b"K", passing.payload)
        else:
            interceptor.forward(passing)

    def succeeded(self, evidence: Evidence) -> bool:
        return not evidence.faithful(Role.INITIATOR) and not evidence.alarmed


@hookimpl
def layers() -> list[type[Retype]]:
    return [Retype]
