"""An event loop that skips idle time: if nothing can happen before the next timer, its clock jumps to that timer.

Time limits of five and ten seconds then take no time. While a thread of the executor works, the clock runs as usual: the speed of
the machine must not decide the outcome of an attack.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")


class _Skipping(selectors.DefaultSelector):
    """Waits for threads alone, of which `working` are at work, and counts the time that it did not wait."""

    skipped, working = 0.0, 0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(timeout if self.working else 0)
        if not ready and not self.working:
            self.skipped += timeout
        return ready


class SkippingLoop(asyncio.SelectorEventLoop):
    """An asyncio loop whose clock jumps over idle time."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """As usual, and the clock does not jump before it is done."""
        self._skipping.working += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._one_less)
        return future

    async def shutdown_default_executor(self, *timeout: Any) -> None:
        """As usual, and the clock does not jump over the time that threads take to end."""
        self._skipping.working += 1
        try:
            await super().shutdown_default_executor(*timeout)
        finally:
            self._skipping.working -= 1

    def _one_less(self, future: asyncio.Future[Any]) -> None:
        self._skipping.working -= 1

    def time(self) -> float:
        return super().time() + self._skipping.skipped


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine without waiting for idle time."""
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(work)
