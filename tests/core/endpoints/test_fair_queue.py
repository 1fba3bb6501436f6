"""Handshakes take turns for the processor."""

import asyncio
from collections.abc import Callable

from plytalk.core.endpoints import fair_queue
from plytalk.core.endpoints.fair_queue import FairQueue
from plytalk.testing.verdict import idle


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Steps:
    """Handshakes whose steps take so long, and what happened in which order."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.queue = FairQueue(self.clock)
        self.order: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    def begin(self, source: str, takes: float = 0.001, times: int = 1, then: Callable[[], None] = lambda: None) -> None:
        self.tasks.append(asyncio.create_task(self._run(source, takes, times, then)))

    async def _run(self, source: str, takes: float, times: int, then: Callable[[], None]) -> None:
        for _ in range(times):
            await self.queue.turn(source)
            self.order.append(source)
            self.clock.seconds += takes
            then()

    async def done(self) -> str:
        await asyncio.gather(*self.tasks)
        return " ".join(self.order)


async def test_the_newest_source_goes_first_where_all_used_the_same() -> None:
    steps = Steps()
    for source in "abc":
        steps.begin(source)
    assert await steps.done() == "c b a"


async def test_a_newcomer_goes_before_a_source_that_has_used_much() -> None:
    steps = Steps()
    for _ in range(20):
        steps.begin("flood", takes=0.02, then=lambda: steps.begin("new") if len(steps.order) == 5 else None)
    assert (await steps.done()).startswith("flood " * 6 + "new flood")  # the sixth had its turn before the newcomer came


async def test_sources_that_flood_share_what_there_is() -> None:
    steps = Steps()
    for _ in range(30):
        for source in "ab":
            steps.begin(source, takes=0.02)
    order = (await steps.done()).split()
    for end in range(0, 60, 2):
        assert abs(order[:end].count("a") - order[:end].count("b")) <= 2


async def test_the_newest_of_a_source_goes_first() -> None:
    steps = Steps()
    heard: list[int] = []
    for number in range(3):
        steps.begin("one", then=lambda number=number: heard.append(number))  # type: ignore[misc]
    await steps.done()
    assert heard == [2, 1, 0]


async def test_one_step_runs_in_each_turn_of_the_loop() -> None:
    steps = Steps()
    turns = 0
    seen: list[int] = []

    def tick() -> None:
        nonlocal turns
        turns += 1
        if len(seen) < 10:
            asyncio.get_running_loop().call_soon(tick)

    tick()
    for source in "abcdefghij":
        steps.begin(source, then=lambda: seen.append(turns))
    await steps.done()
    assert len(set(seen)) == 10


async def test_what_was_used_long_ago_is_forgotten() -> None:
    steps = Steps()
    steps.begin("old", takes=1.0)
    await steps.done()
    steps.clock.seconds += 20
    steps.begin("new")
    steps.begin("old")
    assert await steps.done() == "old old new"


async def test_one_that_is_cancelled_while_it_waits_leaves_the_queue() -> None:
    steps = Steps()
    for source in ("a", "b", "b"):
        steps.begin(source)
    await asyncio.sleep(0)
    assert len(steps.queue) == 3
    gone = steps.tasks.pop()
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert await steps.done() == "b a"
    assert len(steps.queue) == 0
    steps.begin("c")
    assert await steps.done() == "b a c"


async def test_one_that_is_cancelled_as_it_gets_its_turn_holds_up_nobody() -> None:
    steps = Steps()
    steps.begin("a")
    steps.begin("b")
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # b has been let through, and does not know it yet
    gone = steps.tasks.pop()
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert "a" in await steps.done()


async def test_very_many_sources_do_not_pile_up(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(fair_queue, "SOURCES", 10)
    steps = Steps()
    for number in range(50):
        steps.begin(str(number))
    await steps.done()
    await idle()
    assert len(steps.queue._used) == 10
