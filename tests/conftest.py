"""What all tests share: an `async def` test runs in a loop of its own, ends within a minute, and leaves no task behind."""

import asyncio
import inspect
import io
import os
import threading
from collections.abc import Iterator

import pytest

from plytalk.core.testing.verdict import run

MINUTE = 60.0


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}

    async def within_a_minute() -> None:
        async with asyncio.timeout(MINUTE):
            await pyfuncitem.obj(**arguments)

    run(within_a_minute)
    return True


@pytest.fixture
def pipe() -> Iterator[tuple[int, io.FileIO]]:
    """What to read from, and what writes to it. Threads that read it have ended before its number means something else."""
    threads = set(threading.enumerate())
    read, write = os.pipe()
    with open(read, "rb"):
        with io.FileIO(write, "wb") as writer:
            yield read, writer
        for thread in set(threading.enumerate()) - threads:
            thread.join()
