"""A filter stream whose pieces cost work whatever is in them: frames of WebSocket, records of TLS.

A side that sends many small ones is read slowly, a little at a time, so that nobody else waits for its work. What it has sent is
kept meanwhile: no more than one read of the stream below.
"""

import asyncio
from abc import abstractmethod
from typing import ClassVar

from plytalk.core.bases.filter_stream import FilterStream
from plytalk.core.bases.token_bucket import TokenBucket
from plytalk.core.contracts.transport import Stream

SMALL = 64
"""Fewer bytes than a frame of plytalk/1 has, which are about what a piece costs."""
RATE, BURST = 1000, 1000
"""How many smaller pieces the other side may send a second, and at once: pings and empty ones too."""


class PacedStream(FilterStream):
    """Calls `read` with what came below, and counts by `charge`. `slice` is how much is read before the count is looked at."""

    slice: ClassVar[int]

    def __init__(self, below: Stream) -> None:
        super().__init__(below)
        self._unread = b""
        self._bucket = TokenBucket(RATE, BURST, asyncio.get_running_loop().time())
        self._pause: asyncio.TimerHandle | None = None

    @abstractmethod
    def read(self, data: bytes) -> None:
        """These bytes came from below, in slices. Raises what is wrong with them."""

    def charge(self, size: int) -> None:
        """A piece has come that has so many bytes for the receiver."""
        if size < SMALL:
            self._bucket.left -= 1

    def take(self, data: bytes) -> None:
        self._unread = self._unread + data if self._unread else data
        self._read_on()

    def _read_on(self) -> None:
        """Read all that has come, or until there were too many small pieces."""
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
        """Read no more for a while where it is too much."""
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
                self.read(unread)  # no more comes than this
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
