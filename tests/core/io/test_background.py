"""Tasks that run beside the rest."""

import asyncio

from plytalk.core.io.background import Background


async def test_a_task_is_kept_until_it_ends() -> None:
    background, go_on, done = Background(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await go_on.wait()
        done.set()

    background.start(work())
    [task] = background.tasks
    go_on.set()
    await task
    assert done.is_set()
    await asyncio.sleep(0)
    assert not background.tasks


async def test_stopping_cancels_all_and_waits_until_they_have_ended() -> None:
    background, started, ended = Background(), asyncio.Event(), []

    async def work(name: str) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(name)

    for name in ("a", "b"):
        background.start(work(name))
    await started.wait()
    await asyncio.sleep(0)
    await background.stop()
    assert sorted(ended) == ["a", "b"]
    assert not background.tasks
