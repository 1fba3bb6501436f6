"""Silence: connect and say nothing."""

import asyncio

from plytalk.core.hookspecs import hookimpl
from plytalk.core.keys import Role
from plytalk.core.lab.attack import Takeover
from plytalk.core.lab.middle import Middle
from plytalk.core.lab.play import Evidence
from plytalk.core.stack import Stack

LONGEST = 6.0


class Silence(Takeover):
    """Connects to the server and waits; a server that waits as long gives away its places one by one.

    It costs the attacker nothing at all.
    """

    name = "silence"
    row = "A41"
    reference = "Slowloris, CVE-2007-6750"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._held = False

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return stack.handshake.speaks_first is not None

    async def take(self, middle: Middle) -> None:
        over = asyncio.Event()
        middle.streams[Role.RESPONDER].deliver_to(lambda data: None, lambda error: over.set())
        try:
            async with asyncio.timeout(LONGEST):
                await over.wait()
        except TimeoutError:
            middle.log(f"said nothing for {LONGEST:g} seconds, and the server still waits")
            self._held = True
        middle.cut()

    def succeeded(self, evidence: Evidence) -> bool:
        return self._held


@hookimpl
def layers() -> list[type[Silence]]:
    return [Silence]
