"""An event loop that skips idle time: where nothing can happen before the next timer, its clock jumps to that timer.

Time limits of five and ten seconds then take milliseconds. Threads still get a moment of real time to finish their work.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
GRACE = 0.05
"""Real seconds in which a thread may still answer before the clock jumps."""


class _Skipping(selectors.DefaultSelector):
    """Waits for a moment at most, and counts the time that it did not wait."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(min(timeout, GRACE))
        if not ready:
            self.skipped += max(0.0, timeout - GRACE)
        return ready


class SkippingLoop(asyncio.SelectorEventLoop):
    """An asyncio loop whose clock jumps over idle time."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return super().time() + self._skipping.skipped


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine without waiting for idle time."""
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(work)
