"""The time limit of the step that goes on while a conversation opens: the handshake, or one authenticator."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class StepTimer:
    """Limits one step at a time. It stands still while a person thinks, who may take longer than a peer."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(None)

    def limit(self, seconds: float) -> asyncio.Timeout:
        """A context in which the next step goes on. Raises TimeoutError when it takes longer."""
        self._timeout = asyncio.timeout(seconds)
        return self._timeout

    @property
    def expired(self) -> bool:
        return self._timeout.expired()

    def expire(self) -> None:
        """End the step now, as if its time were over."""
        self._timeout.reschedule(self._loop.time())

    @contextmanager
    def pause(self, longest: float | None = None) -> Iterator[None]:
        """Stand still in this block, for at most `longest` seconds."""
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
