"""Tamper with the handshake: flip a bit before there are keys."""

from plytalk.core.contracts.peers import Role
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class HandshakeTamper(Attack):
    """Flips one bit of one handshake frame, both drawn by the seed.

    What is agreed on in the clear can be changed in the clear, unless what follows depends on all of it.
    """

    name = "handshake-tamper"
    row = "A14"
    reference = "Logjam, CVE-2015-4000"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._sender = self.random.choice(list(Role))
        self._flipped = False

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return stack.handshake.speaks_first is not None

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if self._flipped or not passing.handshake or passing.sender is not self._sender:
            interceptor.forward(passing)
            return
        self._flipped = True
        at = self.random.randrange(len(passing.payload))
        changed = passing.payload[:at] + bytes([passing.payload[at] ^ 1]) + passing.payload[at + 1 :]
        interceptor.log(f"flipped a bit of byte {at} of the {passing.sender.value}'s handshake frame {passing.index}")
        interceptor.send(passing.sender.other, passing.kind or MESSAGE, changed)

    def succeeded(self, evidence: Evidence) -> bool:
        return all(evidence.faithful(role) for role in Role) and not evidence.alarmed


@hookimpl
def layers() -> list[type[HandshakeTamper]]:
    return [HandshakeTamper]
