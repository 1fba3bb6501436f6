"""A thread that works on the disk, so that a slow or busy disk does not delay messages."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from plytalk.core.contracts.shortage import shortage

T = TypeVar("T")


class DiskThread:
    """Does one thing after another, in the order of the calls."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "disk")
        self._loop = asyncio.get_running_loop()

    def start(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Do this in the thread, even if nobody waits for it any more. If no thread can be started, the answer is a Shortage."""
        answer: asyncio.Future[T] = self._loop.create_future()
        try:
            self._pool.submit(work).add_done_callback(partial(self._done, answer))
        except RuntimeError as error:
            if not (short := shortage(error)):
                raise
            answer.set_exception(short)
            answer.exception()  # marks it as retrieved, since perhaps nobody waits for it
        return answer

    def _done(self, answer: "asyncio.Future[T]", work: "Future[T]") -> None:
        with suppress(RuntimeError):  # the event loop is closed: the program ends
            self._loop.call_soon_threadsafe(_settle, answer, work)

    def end(self, work: Callable[[], None]) -> "asyncio.Future[None]":
        """Do this in the thread, then end it."""
        last = self.start(work)
        self._pool.shutdown(wait=False)
        return last


def _settle(answer: "asyncio.Future[T]", work: "Future[T]") -> None:
    if answer.cancelled():
        return
    if error := work.exception():
        answer.set_exception(error)
    else:
        answer.set_result(work.result())
