"""The time limit of the current step while a conversation opens: the handshake, or one authenticator."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class StepTimer:
    """Limits one step at a time. It is paused while a person is asked, who may take longer than a peer."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(None)

    def limit(self, seconds: float) -> asyncio.Timeout:
        """A context for the next step. Raises TimeoutError when the step takes longer."""
        self._timeout = asyncio.timeout(seconds)
        return self._timeout

    @property
    def expired(self) -> bool:
        return self._timeout.expired()

    def expire(self) -> None:
        """End the step now, as if its time had run out."""
        self._timeout.reschedule(self._loop.time())

    @contextmanager
    def pause(self, longest: float | None = None) -> Iterator[None]:
        """Pause the timer in this block, for at most `longest` seconds."""
        timeout = self._timeout
        left = (timeout.when() or 0) - self._loop.time()
        timeout.reschedule(None if longest is None else self._loop.time() + longest)
        try:
            yield
        finally:
            if not timeout.expired():
                timeout.reschedule(self._loop.time() + left)

    def forget(self) -> None:
        """Drop the last step's time limit: it knows the task, which knows the attempt to open: a reference cycle."""
        self._timeout = asyncio.timeout(None)
