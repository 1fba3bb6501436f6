"""What all tests share: an `async def` test runs in a loop of its own, ends within a minute, and leaves no task behind."""

import asyncio
import inspect

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
