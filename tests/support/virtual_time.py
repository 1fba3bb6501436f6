"""An event loop for tests of time limits whose clock shows no real time.

It jumps to the next timer where nothing else can happen. So a limit is never over because the machine is busy, and to wait for
one takes no time. For tests marked `virtual_time`, which talk in memory alone: with sockets, something can still come.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from plytalk.lab.attacks.clock import SkippingLoop


class VirtualLoop(SkippingLoop):
    def time(self) -> float:
        return self._skipping.skipped


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
