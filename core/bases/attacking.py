"""Base classes of attacks that talk to both sides or cut the connection, and functions that wait."""

import asyncio
from abc import abstractmethod
from contextlib import suppress

from plytalk.core.contracts.attack import Attack, Evidence, InterceptedFrame, Interceptor
from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.peers import Role

IDLE_TURNS = 40
"""The number of turns of the event loop after which everything that was started has happened."""


class Takeover(Attack):
    """An attack that talks to both sides itself, in `take_over`. When that fails, both connections end."""

    async def start(self, interceptor: Interceptor) -> bool:
        self._task = asyncio.create_task(self._run(interceptor))
        return True

    async def _run(self, interceptor: Interceptor) -> None:
        try:
            await self.take_over(interceptor)
        except (ChatError, ExceptionGroup):
            interceptor.cut()

    @abstractmethod
    async def take_over(self, interceptor: Interceptor) -> None:
        """Talk to both sides. A ChatError means that one of them refused."""

    async def finish(self, interceptor: Interceptor) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


class CutsBothWays(Attack):
    """An attack that passes on all frames up to the client's message number `at`, and then ends both directions."""

    said: str
    """The sentence for the log; {} is replaced by the number of the message."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.at = 1
        self._cut = False

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if self._cut:
            return
        interceptor.forward(frame)
        if frame.is_message_from(Role.INITIATOR) and frame.index == self.at:
            interceptor.log(self.said.format(self.at))
            self._cut = True
            interceptor.cut()

    def succeeded(self, evidence: Evidence) -> bool:
        return self._cut and not evidence.alarmed


async def wait_until_idle() -> None:
    """Wait until everything that was started has happened."""
    for _ in range(IDLE_TURNS):
        await asyncio.sleep(0)


async def wait_at_most(seconds: float, event: asyncio.Event) -> bool:
    """Wait for an event for at most this many seconds. Return whether it is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
