"""Handshakes take turns for the processor: one step in each turn of the event loop, and sources share it fairly.

A step is what a handshake does with one message, from when it gets its turn until it waits again. Its time is measured and
charged to its source. The source that recently used least goes first; among those that used about the same, the newest does. So a
flood delays its own sources and not a newcomer, and members are served between two steps.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter

UNIT = 0.01
"""Sources whose use of the processor differs by less than this, in seconds, count as equal."""
HALF_LIFE = 1.0
"""After this many seconds half of a source's use is forgotten."""
SOURCES = 10_000
"""For how many sources the use is remembered."""


class FairQueue:
    """`clock` returns the time in seconds."""

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}  # the newest source is the last
        self._used: dict[str, tuple[float, float]] = {}
        self._began: float | None = None
        self._scheduled = False

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    async def turn(self, source: str) -> None:
        """Wait until this source has its turn. The step lasts until the caller waits for something else."""
        turn = self._loop.create_future()
        self._waiting.setdefault(source, []).append(turn)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._grant)
        try:
            await turn
        except asyncio.CancelledError:
            self._leave(source, turn)
            raise
        self._began = self._clock()

    def _leave(self, source: str, turn: "asyncio.Future[None]") -> None:
        turns = self._waiting.get(source, [])
        if turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[source]

    def _grant(self) -> None:
        """Resume one handshake. The callback that runs right after it charges its time."""
        now = self._clock()
        while self._waiting:
            source = next(iter(self._waiting))
            if len(self._waiting) > 1:
                source = min(reversed(self._waiting), key=lambda one: self._units(one, now))  # the first of equals: the newest
            turn = self._waiting[source][-1]  # here, too, the newest: the oldest is the next to be evicted
            self._leave(source, turn)
            if not turn.done():  # otherwise it was just cancelled
                self._began = None
                turn.set_result(None)
                self._loop.call_soon(self._charge, source)
                return
        self._scheduled = False

    def _charge(self, source: str) -> None:
        if self._began is not None:  # otherwise it was cancelled as it got its turn
            now = self._clock()
            used = self._left(source, now) + now - self._began
            self._used.pop(source, None)
            self._used[source] = used, now
            if len(self._used) > SOURCES:
                del self._used[next(iter(self._used))]
        self._grant()

    def _left(self, source: str, now: float) -> float:
        used, then = self._used.get(source, (0.0, now))
        return float(used * 0.5 ** ((now - then) / HALF_LIFE))

    def _units(self, source: str, now: float) -> int:
        return int(self._left(source, now) / UNIT)
