"""A stream over any asyncio transport: the driver that `tcp` and `unix` share.

A BufferedProtocol answers in half the time of asyncio's streams: nothing is allocated for a read, and no task wakes up. All
connections of an event loop share one read buffer, since each read is handed on before the next one begins.
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import cast

from plytalk.core.contracts.batch_methods import LARGE
from plytalk.core.contracts.layer import Buffer, Failed
from plytalk.core.contracts.transport import Stream
from plytalk.core.io.queue_listener import QueueListener

try:
    from fcntl import ioctl
    from termios import TIOCOUTQ
except ImportError:  # Windows
    ioctl = None  # type: ignore[assignment]
READ = 256 * 1024  # of files and long messages a third more a second than with 64 KiB; of short ones as many
# glibc gives memory back to the system at every record of 64 KiB, and asks for it again, which takes twice as long as all else.
# What has once been freed in one large piece it takes for usual from then on; nothing of it is touched, so it costs nothing.
bytes(8 << 20)
MOST_PIECES = 64
"""The largest number of pieces for one `writev`; the system's limit is IOV_MAX."""
OWN = 64 * 1024
_of_thread = threading.local()


def read_buffer() -> memoryview:
    """The buffer for all connections of a thread, and so of a loop. On Windows, whose loop reads ahead, each has its own."""
    if sys.platform == "win32":
        return memoryview(bytearray(OWN))
    try:
        buffer: memoryview = _of_thread.buffer
    except AttributeError:
        buffer = _of_thread.buffer = memoryview(bytearray(READ))
    return buffer


class AsyncioStream(asyncio.BufferedProtocol, Stream):
    """One connection. `ready` is called once it stands."""

    def __init__(self, ready: "Callable[[AsyncioStream], None] | None" = None, name: str = "") -> None:
        self.peer = name
        self._ready = ready
        self._buffer = read_buffer()
        self._receive: Callable[[Buffer], None] | None = None
        self._on_end: Callable[[Exception | None], None] | None = None
        self._over: tuple[Exception | None] | None = None
        self._writable: asyncio.Event | None = None  # made when somebody waits: a server has thousands of streams
        self._paused = self._finished = self._queued = False
        self._descriptor = -1
        self._lost = 0  # bytes that a connection which broke did not deliver
        self._early = b""

    # -- what asyncio calls -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.pause_reading()
        if isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop) and sys.platform != "win32":
            # It tells `connection_lost` before it closes the descriptor, so as long as this is set it is ours.
            self._descriptor = self._transport.get_extra_info("socket").fileno()
        if self._ready:
            self._ready(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._receive:
            self._receive(self._buffer[:nbytes])
        else:  # uvloop reads at once, whatever `connection_made` asked for
            self._early += self._buffer[:nbytes]
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._end(None)
        return True  # what we have to say may still go out; `close` ends it

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            exc.__traceback__ = None  # it holds the frames of all that was being done when a write failed, and what they held
            self._read_the_rest()
            self._lost += self._unacknowledged()
        self._descriptor = -1
        self.resume_writing()
        self._end(exc)
        # Neither the conversation nor asyncio's transport may stay behind as a reference cycle: Python would find those late.
        self._receive = self._on_end = None
        break_cycle(self._transport)

    def _read_the_rest(self) -> None:
        """A write that failed says nothing about what the peer had sent before: that still waits in the system, and is read."""
        socket = self._transport.get_extra_info("socket")
        if self._over is not None or ioctl is None or socket is None or socket.fileno() < 0:
            return
        with contextlib.suppress(OSError):
            while self._receive and (size := os.readv(socket.fileno(), [self._buffer])):
                self._receive(self._buffer[:size])

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        if self._writable:
            self._writable.set()

    def _end(self, error: Exception | None) -> None:
        if self._over is None or (error and self._over == (None,)):  # it may break after its end, while we still send
            self._over = (error,)
            if self._on_end:
                self._on_end(error)

    # -- what a session calls ---------------------------------------------------------------------------------------------

    def deliver_to(self, receive: Callable[[Buffer], None], ended: Callable[[Exception | None], None]) -> None:
        self._receive, self._on_end = receive, ended
        if early := self._early:
            self._early = b""
            receive(early)
        if self._over:
            ended(*self._over)
        elif not self._paused:
            self._transport.resume_reading()

    def send(self, data: bytes) -> None:
        if self._queued and not self._transport.get_write_buffer_size():
            self._queued = False
        if self._descriptor >= 0 and not self._queued:  # straight to the system, in half the time of the transport's own way
            try:
                sent = os.write(self._descriptor, data)
            except OSError:  # it is full, or the connection is gone: the transport knows what to do
                sent = 0
            if sent == len(data):
                return
            data = data[sent:]
        self._queue(data)

    def _queue(self, data: bytes) -> None:
        if self._finished:
            return
        waiting = len(data)
        if not self._transport.is_closing():
            waiting += self._transport.get_write_buffer_size()
            self._transport.write(data)
            self._queued = True
        if self._transport.is_closing():  # a write that fails drops what waited for it, too
            self._lost += waiting

    def send_batch(self, pieces: Sequence[bytes]) -> None:
        if self._queued and not self._transport.get_write_buffer_size():
            self._queued = False
        if self._descriptor < 0 or self._queued or not 0 < len(pieces) <= MOST_PIECES or sum(map(len, pieces)) < LARGE:
            self.send(b"".join(pieces))
            return
        sent = 0
        with contextlib.suppress(OSError):  # as in `send`
            sent = os.writev(self._descriptor, pieces)
        if rest := b"".join(rest_of(pieces, sent)):
            self._queue(rest)

    @staticmethod
    def send_each(streams: "Sequence[AsyncioStream]", pieces: Sequence[bytes], failed: Failed) -> list[int]:
        write, slow = os.write, False
        for stream, data in zip(streams, pieces, strict=True):
            sent = 0
            if stream._descriptor >= 0 and not stream._queued:
                try:  # noqa: SIM105  # it costs a tenth of the write
                    sent = write(stream._descriptor, data)
                except OSError:
                    pass
                if sent == len(data):
                    continue
            slow = True
            stream.send(data[sent:])
        return [number for number, stream in enumerate(streams) if stream.full] if slow else []

    @property
    def buffered(self) -> int:
        return self._transport.get_write_buffer_size()

    @property
    def undelivered(self) -> int:
        return self._lost + self.buffered + self._unacknowledged()

    def _unacknowledged(self) -> int:
        """How many bytes the system has taken and the other machine has not, as far as the system tells."""
        socket = self._transport.get_extra_info("socket")
        if ioctl is None or socket is None or socket.fileno() < 0:
            return 0
        try:
            size = int.from_bytes(ioctl(socket.fileno(), TIOCOUTQ, bytes(4)), sys.byteorder)
            reset = self._over == (None,) and self._pending_error()
        except OSError:  # a system that does not tell
            return 0
        if reset:  # asyncio reads no more behind the end, and does not see that the peer closed without reading what we sent
            self._end(ConnectionResetError(reset, os.strerror(reset)))
        # Linux counts the FIN of TCP as one byte, also where the other side is gone and will not acknowledge it.
        has_fin = self._finished and not self.buffered and sys.platform == "linux" and socket.family.name.startswith("AF_INET")
        return max(0, size - has_fin)

    def _pending_error(self) -> int:
        """The number of an error that the system has for this stream and asyncio has not met, or 0."""
        return 0

    async def drained(self) -> None:
        while self.full:
            self._writable = self._writable or asyncio.Event()
            self._writable.clear()
            await self._writable.wait()

    def pause(self) -> None:
        self._paused = True
        self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def finish(self) -> None:
        self._finished = True
        self._descriptor = -1
        if not self._transport.is_closing() and self._transport.can_write_eof():
            with contextlib.suppress(OSError):  # a peer that reset the connection leaves nothing to finish
                self._transport.write_eof()

    def close(self) -> None:
        self._descriptor = -1
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()


def break_cycle(transport: asyncio.BaseTransport) -> None:
    """Let a transport that is closed go: asyncio's own refers to itself by bound methods (CPython, selector_events.py)."""
    for name, value in [*getattr(transport, "__dict__", {}).items()]:
        if getattr(value, "__self__", None) is transport:
            setattr(transport, name, _do_nothing)


def _do_nothing() -> None:
    """What a closed transport does when it is called all the same."""


class AsyncioListener(QueueListener):
    """Peers of an asyncio server. `start` hands it over."""

    def protocol(self) -> AsyncioStream:
        """The protocol factory for `loop.create_server`."""
        return AsyncioStream(self.arrive)

    def start(self, server: asyncio.Server, address: str) -> None:
        self._server, self.address = server, address

    def release(self) -> None:
        self._server.close()


def rest_of(pieces: Iterable[bytes], sent: int) -> Iterator[memoryview]:
    """What is left of these pieces after `sent` bytes."""
    for piece in pieces:
        if sent < len(piece):
            yield memoryview(piece)[sent:]
        sent = max(0, sent - len(piece))
