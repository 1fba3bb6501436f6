"""A filter stream that limits the number of small pieces: each WebSocket frame or TLS record costs work, whatever its size.

A peer that sends many small pieces is read slowly, a little at a time, so that nobody else has to wait. Until then at most one
read of the stream below is kept.
"""

import asyncio
from abc import abstractmethod
from typing import ClassVar

from plytalk.core.bases.filter_stream import FilterStream
from plytalk.core.bases.token_bucket import TokenBucket
from plytalk.core.contracts.transport import Stream

SMALL = 64
"""A piece below this size, in bytes, counts as small. It is less than the smallest frame of plytalk/1; for smaller pieces the
work per piece outweighs the work per byte.
"""
RATE, BURST = 1000, 1000
"""The number of small pieces, pings and empty ones included, that the other side may send per second, and in one burst."""


class PacedStream(FilterStream):
    """Calls `read` with what the stream below delivers, at most `slice` bytes at a time; `read` calls `charge` for each piece."""

    slice: ClassVar[int]

    def __init__(self, below: Stream) -> None:
        super().__init__(below)
        self._unread = b""
        self._bucket = TokenBucket(RATE, BURST, asyncio.get_running_loop().time())
        self._pause: asyncio.TimerHandle | None = None

    @abstractmethod
    def read(self, data: bytes) -> None:
        """Read a slice of what the stream below delivered. Raises a ChatError if it is not valid."""

    def charge(self, size: int) -> None:
        """Count a piece that has this many bytes for the receiver."""
        if size < SMALL:
            self._bucket.left -= 1

    def take(self, data: bytes) -> None:
        self._unread = self._unread + data if self._unread else data
        self._read_on()

    def _read_on(self) -> None:
        """Read what was received, until there were too many small pieces."""
        came, at, self._unread = self._unread, 0, b""
        while at < len(came) and not (self._pause or self._closed):
            self.read(came[at : at + self.slice])
            at += self.slice
            if self._bucket.left < 0:
                self._refill()
        self._unread = came[at:]
        if self._pause:
            self.below.pause()

    def _refill(self) -> None:
        """Stop reading for a while if there were too many small pieces."""
        loop = asyncio.get_running_loop()
        self._bucket.refill(loop.time())
        if self._bucket.left < 0:
            self._pause = loop.call_later(self._bucket.wait, self._resume_reading)

    def _resume_reading(self) -> None:
        self._pause = None
        self._take(b"")
        if not (self._pause or self._paused or self._kept or self._over):
            self.below.resume()

    def _go_on(self) -> None:
        super()._go_on()
        if self._pause:
            self.below.pause()

    def _below_ended(self, error: Exception | None) -> None:
        self._stop_pause()
        unread, self._unread = self._unread, b""
        if unread and not self._closed:
            try:
                self.read(unread)  # nothing more will come
            except Exception as fault:
                self.fail(fault)
        super()._below_ended(error)

    def close(self) -> None:
        self._stop_pause()
        super().close()

    def _stop_pause(self) -> None:
        if self._pause:
            self._pause.cancel()
            self._pause = None
