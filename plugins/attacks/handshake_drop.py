"""Drop a handshake message: make one side wait, or go on without."""

from plytalk.core.contracts.peers import Role
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class HandshakeDrop(Attack):
    """Keeps the first handshake frame of one side, drawn by the seed, from arriving.

    A step that can be skipped protects nothing.
    """

    name = "handshake-drop"
    row = "A14"
    reference = "SMACK, state machine attacks on TLS, 2015"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._sender = self.random.choice(list(Role))

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return stack.handshake.speaks_first is not None

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if passing.handshake and passing.sender is self._sender and passing.index == 0:
            interceptor.log(f"dropped the {passing.sender.value}'s first handshake frame")
            return
        interceptor.forward(passing)

    def succeeded(self, evidence: Evidence) -> bool:
        return any(side.opened for side in evidence.sides.values()) and not evidence.alarmed


@hookimpl
def layers() -> list[type[HandshakeDrop]]:
    return [HandshakeDrop]
