"""A late number: choose when the other side has chosen."""

import os

from plytalk.core.hookspecs import hookimpl
from plytalk.core.keys import Role
from plytalk.core.lab.attack import Takeover
from plytalk.core.lab.middle import Middle
from plytalk.core.lab.play import Evidence
from plytalk.core.stack import Stack

LENGTH = 32


class LateNumber(Takeover):
    """Poses as a client that promises one random number, waits for the server's, and then shows another.

    Who may choose last can try numbers until the words are those that the other person reads. The lab does not wait for that: the
    server's person should not even be asked.
    """

    name = "late-number"
    row = "A01"
    reference = "Vaudenay 2005, Secure Communications over Insecure Channels Based on Short Authenticated Strings"

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return any(auth.name == "words" for auth in stack.auths)

    async def take(self, middle: Middle) -> None:
        leg = middle.leg(Role.INITIATOR)
        await leg.shake()
        await leg.channel.send(os.urandom(LENGTH))
        await leg.channel.receive()
        middle.log("showed the server another number than it had promised")
        await leg.channel.send(os.urandom(LENGTH))

    def succeeded(self, evidence: Evidence) -> bool:
        return bool(evidence.sides[Role.RESPONDER].asked)


@hookimpl
def layers() -> list[type[LateNumber]]:
    return [LateNumber]
