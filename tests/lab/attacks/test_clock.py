"""The loop that skips idle time: an hour passes in a moment, and threads still get their answer."""

import asyncio
import time
import warnings

from plytalk.lab.attacks import clock


def test_an_hour_of_waiting_takes_no_hour() -> None:
    async def wait() -> float:
        loop = asyncio.get_running_loop()
        before = loop.time()
        await asyncio.sleep(3600)
        return loop.time() - before

    began = time.monotonic()
    assert clock.run(wait()) >= 3600
    assert time.monotonic() - began < 60


def test_what_a_thread_does_still_happens() -> None:
    async def ask() -> int:
        async with asyncio.timeout(3600):
            return await asyncio.to_thread(lambda: 42)

    assert clock.run(ask()) == 42


def test_a_slow_thread_is_waited_for_before_the_clock_jumps() -> None:
    async def ask() -> int:
        async with asyncio.timeout(3600):
            await asyncio.to_thread(time.sleep, 0.3)
        return 42

    assert clock.run(ask()) == 42


def test_timers_fire_in_their_order() -> None:
    async def fire() -> list[int]:
        fired: list[int] = []
        loop = asyncio.get_running_loop()
        for seconds in (30, 10, 20):
            loop.call_later(seconds, fired.append, seconds)
        await asyncio.sleep(40)
        return fired

    assert clock.run(fire()) == [10, 20, 30]


def test_the_end_waits_for_threads_and_does_not_jump_over_them() -> None:
    """Python 3.12 and later give threads five minutes to end, which passed in a moment, with a warning."""

    async def work() -> None:
        asyncio.get_running_loop().run_in_executor(None, slow)

    def slow() -> None:
        time.sleep(0.05)
        ended.append(True)

    ended: list[bool] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clock.run(work())
    assert ended == [True]
