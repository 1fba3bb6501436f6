"""Tasks that run beside the rest."""

import asyncio

import pytest

from plytalk.core.io.background import Background, run_to_completion


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


async def test_what_must_be_done_to_its_end_is_also_where_its_task_is_cancelled() -> None:
    """A client whose server was stopped left the threads of its files behind."""
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go_on.wait()
        done.set()

    task = asyncio.ensure_future(run_to_completion(work()))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done.is_set()


async def test_a_second_cancellation_ends_it() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(run_to_completion(work()))
    await begun.wait()
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
