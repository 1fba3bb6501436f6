"""Downgrade by answer: what the server knows is edited."""

from plytalk.core.hookspecs import hookimpl
from plytalk.core.keys import Role
from plytalk.core.lab.attack import Editing
from plytalk.core.stack import Stack
from plytalk.plugins.noise import impostor, preamble


class DowngradeAnswer(Editing):
    """Adds a suite to those that the server says it knows.

    What is said before there are keys is worth what follows from it: unless all of it goes into the keys, anybody wrote it.
    """

    name = "downgrade-answer"
    row = "A14"
    reference = "POODLE, CVE-2014-3566"
    whose = Role.RESPONDER

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return impostor.attackable(stack)

    def edited(self, payload: bytes) -> bytes:
        answer = preamble.Answer.decode(payload)
        return preamble.Answer(answer.chosen, (*answer.known, *impostor.FOREIGN)).encode()


@hookimpl
def layers() -> list[type[DowngradeAnswer]]:
    return [DowngradeAnswer]
