"""Downgrade by answer: what the server knows is edited."""

from plytalk.core.contracts.peers import Role
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.noise import impostor, preamble


class DowngradeAnswer(impostor.Downgrading):
    """Adds a suite to those that the server says it knows.

    What is said before there are keys is worth what follows from it: unless all of it goes into the keys, anybody wrote it.
    """

    name = "downgrade-answer"
    whose = Role.RESPONDER

    def edited(self, payload: bytes) -> bytes:
        answer = preamble.Answer.decode(payload)
        return preamble.Answer(answer.chosen, (*answer.known, *impostor.FOREIGN)).encode()


@hookimpl
def layers() -> list[type[DowngradeAnswer]]:
    return [DowngradeAnswer]
