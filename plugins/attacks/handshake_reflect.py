"""Reflect the handshake: answer the client with its own messages."""

from plytalk.core.contracts.peers import Role
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class HandshakeReflect(Attack):
    """Sends each handshake frame of the client back to it; the server hears nothing.

    Can you shake hands with yourself? A side that does not know its own key when it sees it can.
    """

    name = "handshake-reflect"
    row = "A02"
    reference = "Selfie, Drucker and Gueron 2019, TLS 1.3 with pre-shared keys"

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return stack.handshake.speaks_first is not None

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if passing.sender is Role.INITIATOR:
            interceptor.log(f"sent the client's frame {passing.index} back to it")
            interceptor.send(Role.INITIATOR, passing.kind or MESSAGE, passing.payload)

    def succeeded(self, evidence: Evidence) -> bool:
        return evidence.sides[Role.INITIATOR].opened


@hookimpl
def layers() -> list[type[HandshakeReflect]]:
    return [HandshakeReflect]
