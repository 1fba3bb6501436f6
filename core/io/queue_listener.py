"""Peers that have arrived and wait to be accepted: the listener that the built-in transports share."""

import asyncio

from plytalk.core.contracts.errors import CannotConnect
from plytalk.core.contracts.transport import Listener, Stream

BACKLOG = 4096  # a crowd that comes at once must not make honest peers wait for the system to try again


class QueueListener(Listener):
    """A queue of peers; those that come when it is full, or when the listener is closed, are sent away."""

    def __init__(self, address: str = "", backlog: int = BACKLOG) -> None:
        self.address = address
        self.closed = False
        self._waiting: asyncio.Queue[Stream | None] = asyncio.Queue(backlog)

    def arrive(self, stream: Stream) -> None:
        """Add a peer."""
        if self.closed or self._waiting.full():
            stream.close()
        else:
            self._waiting.put_nowait(stream)

    async def accept(self) -> Stream:
        stream = await self._waiting.get()
        if stream is None:
            self._waiting.put_nowait(None)  # for others that wait
            raise CannotConnect("The listener is closed.")
        return stream

    async def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        try:
            await asyncio.sleep(0)  # a peer that asyncio has half accepted arrives, and is sent away: else its socket is lost
        finally:
            self.release()
        while not self._waiting.empty():
            if stream := self._waiting.get_nowait():
                stream.close()
        self._waiting.put_nowait(None)

    def release(self) -> None:
        """Release the address, so that another program may listen there. Called once."""
