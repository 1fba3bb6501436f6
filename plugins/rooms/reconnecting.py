"""When a client reconnects: after which endings, how long it waits before each try, and when it gives up."""

import asyncio

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import CannotConnect, HandshakeFailed, Refused, StackMismatch, Truncated

WAITS = (0.5, 1, 2, 4, 8, 15, 30)
"""The waits before each attempt, in seconds. The last one repeats, but after a goodbye there are no more attempts."""


class Reconnecting:
    """`tries` counts the attempts since the last connection that opened."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._stopped = asyncio.Event()
        self.begin()

    def begin(self) -> None:
        """Note that a connection has opened, and start counting again."""
        self.tries, self._goodbye = 0, False

    def is_due(self, ending: Ending) -> bool:
        """Whether to connect again after this ending."""
        error = ending.error
        cut = isinstance(error, Truncated | CannotConnect | HandshakeFailed) and not isinstance(error, Refused)
        # A server that has spoken our stack before, and now answers differently, is stopping or starting.
        cut = cut or (isinstance(error, StackMismatch) and self.tries > 0)
        self._goodbye = self._goodbye or ending.by is EndedBy.THEM  # the server restarts, or has stopped
        given_up = self._stopped.is_set() or (self._goodbye and self.tries == len(WAITS) - 1)
        return self._wanted and (cut or ending.by is EndedBy.THEM) and not ending.is_final and not given_up

    async def wait(self) -> bool:
        """Wait before the next attempt. Return False if `stop` was called."""
        seconds = WAITS[min(self.tries, len(WAITS) - 1)]
        self.tries += 1
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except TimeoutError:
            return True
        return False

    def stop(self) -> None:
        """Stop reconnecting."""
        self._stopped.set()
