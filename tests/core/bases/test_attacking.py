"""An attack that takes over: where it is refused both connections end, and nothing it began outlives it."""

import asyncio

from intercepting import between

from plytalk.core.bases.attacking import Takeover, wait_at_most
from plytalk.core.contracts.attack import Evidence, Interceptor
from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.lab.attacks import clock


class Refused(Takeover):
    """Gets as far as the first refusal, or no further than waiting."""

    name = "refused"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.waiting = asyncio.Event()
        self.cancelled = False

    async def take_over(self, interceptor: Interceptor) -> None:
        await self.talk()

    async def talk(self) -> None:
        raise HandshakeFailed("The server refused.")

    def succeeded(self, evidence: Evidence) -> bool:
        return False


class Endless(Refused):
    """Waits for what never comes."""

    async def talk(self) -> None:
        self.waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled = True


def test_waiting_for_an_event_has_an_end() -> None:
    async def wait() -> tuple[bool, bool]:
        event = asyncio.Event()
        early = await wait_at_most(5, event)
        event.set()
        return early, await wait_at_most(5, event)

    assert clock.run(wait()) == (False, True)


def test_a_takeover_that_is_refused_ends_both_connections() -> None:
    async def refused() -> None:
        interceptor, ends = between(Refused())
        await interceptor.start()
        assert interceptor.taken_over
        for end in ends.values():
            await end.over.wait()
        await interceptor.attack.finish(interceptor)

    clock.run(refused())


def test_a_takeover_that_still_waits_is_over_when_the_conversation_is() -> None:
    async def waits() -> int:
        attack = Endless()
        interceptor, _ = between(attack)
        await interceptor.start()
        await attack.waiting.wait()
        await attack.finish(interceptor)
        assert attack.cancelled
        return len(asyncio.all_tasks())

    assert clock.run(waits()) == 1
