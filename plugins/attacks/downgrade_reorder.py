"""Downgrade by order: the worst suite comes first."""

from plytalk.core.hookspecs import hookimpl
from plytalk.core.keys import Role
from plytalk.core.lab.attack import Attack, Passing
from plytalk.core.lab.middle import Middle
from plytalk.core.lab.play import Evidence
from plytalk.core.stack import Stack
from plytalk.core.wire import MESSAGE
from plytalk.plugins.noise import impostor, preamble


class DowngradeReorder(Attack):
    """Turns the client's offer round, so that what it wants least stands first.

    The server takes what the client seems to want most. Where a single suite is offered, another one joins it.
    """

    name = "downgrade-reorder"
    row = "A14"
    reference = "POODLE, CVE-2014-3566"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._edited = False

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return impostor.attackable(stack)

    def frame(self, middle: Middle, passing: Passing) -> None:
        if passing.handshake and passing.sender is Role.INITIATOR and passing.index == 0:
            edited = self._turned(passing.payload)
            self._edited = edited != passing.payload
            middle.log(f"edited the client's preamble: {edited!r}")
            middle.send(passing.sender.other, passing.kind or MESSAGE, edited)
        else:
            middle.forward(passing)

    @staticmethod
    def _turned(payload: bytes) -> bytes:
        tokens = preamble.Offer.decode(payload).tokens
        return preamble.Offer((*reversed(tokens), *(impostor.FOREIGN if len(tokens) == 1 else ()))).encode()

    def succeeded(self, evidence: Evidence) -> bool:
        return self._edited and all(evidence.faithful(role) for role in Role) and not evidence.alarmed


@hookimpl
def layers() -> list[type[DowngradeReorder]]:
    return [DowngradeReorder]
