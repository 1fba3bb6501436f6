"""Tasks that run beside the rest of a program: each is kept until it ends, since an event loop keeps only a weak reference."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """The tasks of one owner that have not ended."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Start a task."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def stop(self) -> None:
        """Cancel all tasks that have not ended, and wait for them."""
        for task in (tasks := tuple(self.tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run_to_completion(work: Coroutine[Any, Any, None]) -> None:
    """Run this to its end, even if the calling task is cancelled meanwhile. A second cancellation ends it."""
    whole = asyncio.ensure_future(work)
    try:
        await asyncio.shield(whole)
    except asyncio.CancelledError:
        await whole
        raise
