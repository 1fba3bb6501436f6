"""Slow bytes: one now and then."""

import asyncio

from plytalk.core.contracts.peers import Role
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Holding, set_within
from plytalk.lab.attacks.interceptor import Interceptor

LENGTH, BYTES, PAUSE = 200, 6, 2.0


class SlowBytes(Holding):
    """Sends the server the beginning of a frame, a byte every other second.

    Each byte is a sign of life, and a limit that restarts with each byte is not a limit.
    """

    name = "slow-bytes"

    async def hold(self, interceptor: Interceptor, over: asyncio.Event) -> None:
        interceptor.log("sent single bytes")
        frame = interceptor.encode(MESSAGE, bytes(LENGTH))
        for at in range(len(frame) - LENGTH + BYTES):
            interceptor.send_raw(Role.RESPONDER, frame[at : at + 1])
            if await set_within(PAUSE, over):
                return


@hookimpl
def layers() -> list[type[SlowBytes]]:
    return [SlowBytes]
