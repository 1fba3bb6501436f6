"""Downgrade by answer: what the server knows is edited."""

from plytalk.core.hookspecs import hookimpl
from plytalk.core.keys import Role
from plytalk.core.lab.attack import Attack, Passing
from plytalk.core.lab.middle import Middle
from plytalk.core.lab.play import Evidence
from plytalk.core.stack import Stack
from plytalk.core.wire import MESSAGE
from plytalk.plugins.noise import impostor, preamble


class DowngradeAnswer(Attack):
    """Adds a suite to those that the server says it knows.

    What is said before there are keys is worth what follows from it: unless all of it goes into the keys, anybody wrote it.
    """

    name = "downgrade-answer"
    row = "A14"
    reference = "POODLE, CVE-2014-3566"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._edited = False

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return impostor.attackable(stack)

    def frame(self, middle: Middle, passing: Passing) -> None:
        if passing.handshake and passing.sender is Role.RESPONDER and passing.index == 0:
            edited = self._more(passing.payload)
            self._edited = edited != passing.payload
            middle.log(f"edited the server's preamble: {edited!r}")
            middle.send(passing.sender.other, passing.kind or MESSAGE, edited)
        else:
            middle.forward(passing)

    @staticmethod
    def _more(payload: bytes) -> bytes:
        answer = preamble.Answer.decode(payload)
        return preamble.Answer(answer.chosen, (*answer.known, *impostor.FOREIGN)).encode()

    def succeeded(self, evidence: Evidence) -> bool:
        return self._edited and all(evidence.faithful(role) for role in Role) and not evidence.alarmed


@hookimpl
def layers() -> list[type[DowngradeAnswer]]:
    return [DowngradeAnswer]
