"""A thread for work on the disk, so that a slow or busy disk does not delay messages.

Each piece of work is queued and answered with as few calls and wake-ups as possible: with `concurrent.futures`, a transfer takes
a tenth more processor time.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from plytalk.core.contracts.shortage import shortage

T = TypeVar("T")
Work = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class DiskThread:
    """Runs functions in a thread, one after another, in the order of the calls."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._asked: SimpleQueue[Work | None] = SimpleQueue()
        self._runs = self._ends = False

    def start(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Run `work` in the thread, even if the future is dropped. The future raises Shortage if no thread can be started."""
        if self._ends:
            raise RuntimeError("This thread does nothing more.")
        answer: asyncio.Future[T] = self._loop.create_future()
        try:
            if not self._runs:
                Thread(target=_run, args=(self._asked, _Answers(self._loop)), name="disk", daemon=True).start()
                self._runs = True
        except RuntimeError as error:
            if not (short := shortage(error)):
                raise
            answer.set_exception(short)
            answer.exception()  # marks it as retrieved: perhaps nobody waits for it
        else:
            self._asked.put((work, answer))
        return answer

    def end(self, work: Callable[[], None]) -> "asyncio.Future[None]":
        """Run `work` as the last thing, and end the thread. Without a thread, run it here."""
        if self._runs:
            last = self.start(work)
            self._asked.put(None)
        else:
            last = self._loop.create_future()
            work()
            last.set_result(None)
        self._ends = True
        return last

    def __del__(self) -> None:
        self._asked.put(None)  # there can be no more work


class _Answers:
    """The results that have not been set on their futures. The event loop is woken once for all of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._wakes = loop, False
        self._ready: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()

    def add(self, answer: "asyncio.Future[Any]", result: object, error: BaseException | None) -> None:
        """Add a result: called in the thread."""
        self._ready.append((answer, result, error))
        if not self._wakes:
            self._wakes = True
            with suppress(RuntimeError):  # the event loop is closed
                self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._wakes = False  # first, so that anything added from now on wakes the loop again
        while self._ready:
            answer, result, error = self._ready.popleft()
            if answer.cancelled():
                continue
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(result)


def _run(asked: "SimpleQueue[Work | None]", answers: _Answers) -> None:
    while one := asked.get():
        work, answer = one
        try:
            result, error = work(), None
        except BaseException as raised:
            result, error = None, raised
        answers.add(answer, result, error)
        del one, work, answer, result, error  # hold no references while waiting
