"""When a client reconnects: after which endings, how long it waits before each try, and when it gives up."""

import asyncio

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import CannotConnect, HandshakeFailed, Refused, StackMismatch, Truncated

WAITS = (0.5, 1, 2, 4, 8, 15, 30)
"""How long to wait before connecting again, in seconds; the last one from then on, or after a goodbye no more."""


class Reconnecting:
    """`tries` counts the attempts since the last connection that opened."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._stopped = asyncio.Event()
        self.begin()

    def begin(self) -> None:
        """A connection has opened: count from here."""
        self.tries, self._goodbye = 0, False

    def is_due(self, ending: Ending) -> bool:
        """Whether to connect again after this ending."""
        error = ending.error
        cut = isinstance(error, Truncated | CannotConnect | HandshakeFailed) and not isinstance(error, Refused)
        # Where a server has answered as we do before, another answer now means that the server is ending or starting.
        cut = cut or (isinstance(error, StackMismatch) and self.tries > 0)
        self._goodbye = self._goodbye or ending.by is EndedBy.THEM  # of a server that restarts, or is gone
        given_up = self._stopped.is_set() or (self._goodbye and self.tries == len(WAITS) - 1)
        return self._wanted and (cut or ending.by is EndedBy.THEM) and not ending.is_final and not given_up

    async def wait(self) -> bool:
        """Wait until it is time to try. Return whether to try, which is so unless `stop` was called."""
        seconds = WAITS[min(self.tries, len(WAITS) - 1)]
        self.tries += 1
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except TimeoutError:
            return True
        return False

    def stop(self) -> None:
        """Connect no more."""
        self._stopped.set()
