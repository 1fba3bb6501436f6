"""A stream that is sent as it is read, such as standard input: once, to one receiver, with its size and root at the end."""

import asyncio
import os
import secrets
import select
import time
from collections.abc import Callable
from functools import partial

from plytalk.core.io.descriptors import close_once
from plytalk.plugins.files.disk_thread import DiskThread
from plytalk.plugins.files.file_items import ENDING, FileFailure, end_stream, fail_stream
from plytalk.plugins.files.hash_tree import KNOWN, HashTree, RunningRoot
from plytalk.plugins.files.manifest import FileOffer
from plytalk.plugins.files.piped import Piped
from plytalk.plugins.files.reading import Source, unreadable
from plytalk.plugins.files.sending import Outgoing, OutStream, Sending
from plytalk.plugins.files.transfer_errors import Unreadable, explained
from plytalk.plugins.files.transfer_states import TransferState

LOOK = 0.1
"""How long a reader waits for more, in seconds, before it sends what it has, or checks whether it is still wanted."""
CUT = "Its transfer was cut, and it cannot be resumed"
STOPPED = "Its receiver has gone or wants no more of it, and it cannot be sent again"


class PipedSource(Source):
    """A stream of unknown length, read once from beginning to end."""

    size = 0
    mode = 0o644

    def __init__(self, piped: Piped) -> None:
        self.name, self.mtime = str(piped), time.time_ns()
        self._descriptor = piped.descriptor
        self.stopped = self.ended = False

    def read_into(self, buffer: memoryview, offset: int) -> int:
        """Read into the buffer. Return the number of bytes: fewer than asked if no more comes now, or it has `ended`."""
        filled = 0
        try:
            while filled < len(buffer):
                if self.stopped:
                    raise Unreadable("Nobody wants it any more.")
                if not select.select([self._descriptor], [], [], LOOK)[0]:
                    if filled:
                        break
                elif count := os.readv(self._descriptor, [buffer[filled:]]):
                    filled += count
                else:
                    self.ended = True
                    break
        except OSError as trouble:
            raise unreadable(self.name, trouble) from None
        return filled

    def close(self) -> None:
        self._descriptor = close_once(self._descriptor)


class SendingOnce(Sending):
    """An offer of such a stream. Its own thread reads, and `wake` is called when it has read something."""

    source: PipedSource

    def __init__(
        self, number: int, piped: Piped, to: str | None, changed: Callable[[Sending], None], wake: Callable[[], None]
    ) -> None:
        source = PipedSource(piped)
        file = FileOffer(name=source.name, size=None, root=None, hash=KNOWN[0], mtime=source.mtime)
        super().__init__(number, secrets.token_hex(16), source, HashTree(0), file, to, DiskThread(), changed)
        self._wake, self._root = wake, RunningRoot()
        self._begun = self._closed = False
        self._reading: asyncio.Future[int] | None = None

    def ends_with(self, state: str) -> bool:
        return super().ends_with(state) or (
            self._begun and not self.streams and state in (TransferState.DONE, TransferState.CANCELLED, TransferState.FAILED)
        )

    def serve(self, number: int, at: int, credit: int) -> bytes | None:
        if self.stands and (self._begun or at):
            return fail_stream(number, FileFailure.ONCE)
        refused = super().serve(number, at, credit)
        self._begun = refused is None
        return refused

    async def next_items(self, stream: OutStream, most: int) -> Outgoing:
        """Return what has been read, or nothing while the thread is still reading, which may take long."""
        if self._reading is None:
            if size := min(most, stream.credit):
                self._reading = self._disk.start(partial(self._read_more, size))
                self._reading.add_done_callback(self._has_read)
            return []
        if not self._reading.done():
            return []
        reading, self._reading = self._reading, None
        try:
            return self._sent(stream, reading.result())
        except Exception as error:  # any error: both sides would wait for ever
            return self._fail(explained(error))

    def _has_read(self, reading: "asyncio.Future[int]") -> None:
        if not reading.cancelled():
            reading.exception()  # marks it as retrieved: after the end of the stream nobody asks for it
        self._wake()

    def _read_more(self, size: int) -> int:
        """In the thread: read into the buffer."""
        count = self.source.read_into(self._buffer[:size], 0)
        self._root.add(self._buffer[:count])
        return count

    def _sent(self, stream: OutStream, count: int) -> Outgoing:
        items = self._pieces(0, count)
        stream.at += count
        stream.credit -= count
        self._at = stream.at
        if self.source.ended:
            del self.streams[stream.number]
            items.append(end_stream(stream.number, ENDING.pack(self._root.size, self._root.end())))
        self._changed(self)
        return items

    def cut(self) -> None:
        self._lost(CUT)

    def stopped(self, number: int) -> None:
        if number in self.streams:
            self._lost(STOPPED)

    def _lost(self, reason: str) -> None:
        if self._begun and self.stands:
            self.close()
            self.change(TransferState.FAILED, reason)

    def close(self) -> None:
        self.streams.clear()
        self.source.stopped = True
        if not self._closed:
            self._closed = True
            self._disk.end(self._close)
