"""A transport over a socket, and what accepts connections, for event loops with a selector: what `AsyncioStream` needs, no more.

asyncio's own take a task, two futures and five callbacks for each connection, and 0.7 KiB of memory more while it is at rest.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM
from typing import Any

from plytalk.core.contracts.layer import Buffer

HIGH, LOW = 64 * 1024, 16 * 1024
"""From how many bytes on that wait to be written the protocol is asked to pause, and down to how many."""
USED_UP = (EMFILE, ENFILE, ENOBUFS, ENOMEM)
"""What the system says when it has no room for one more connection."""
TRY_AGAIN = 1.0
"""After how many seconds it is asked again."""


class Inflow(Enum):
    """Whether the socket is read.

    PAUSED --resume_reading--> READING --pause_reading--> PAUSED;  either --the peer's end, or the connection's--> ENDED
    """

    PAUSED = "paused"
    READING = "reading"
    ENDED = "ended"


class SocketTransport(asyncio.Transport):
    """A connection that stands. Nothing is read until `resume_reading`; `close` drops what waits to be written, like `abort`."""

    __slots__ = ("_closing", "_descriptor", "_full", "_inflow", "_loop", "_peer", "_protocol", "_shut", "_sock", "_waiting")

    def __init__(self, sock: socket.socket, protocol: asyncio.BufferedProtocol, peer: Any) -> None:
        """`sock` does not block; `peer` is its address."""
        self._loop = asyncio.get_running_loop()
        self._sock, self._protocol, self._peer = sock, protocol, peer
        self._descriptor = sock.fileno()
        self._waiting: bytearray | None = None  # to be written: a server has thousands of connections for which nothing waits
        self._inflow = Inflow.PAUSED
        self._closing = self._full = self._shut = False
        protocol.connection_made(self)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._sock if name == "socket" else self._peer if name == "peername" else default

    def is_closing(self) -> bool:
        return self._closing

    # -- in ---------------------------------------------------------------------------------------------------------------

    def is_reading(self) -> bool:
        return self._inflow is Inflow.READING

    def pause_reading(self) -> None:
        if self._inflow is Inflow.READING:
            self._inflow = Inflow.PAUSED
            self._loop.remove_reader(self._descriptor)

    def resume_reading(self) -> None:
        if self._inflow is Inflow.PAUSED:
            self._inflow = Inflow.READING
            self._loop.add_reader(self._descriptor, self._read)

    def _read(self) -> None:
        protocol = self._protocol
        try:
            size = self._sock.recv_into(protocol.get_buffer(-1))
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        try:
            if size:
                protocol.buffer_updated(size)
            else:
                self._end_reading()
                protocol.eof_received()
        except Exception as error:
            self._loop.call_exception_handler({"message": "Reading from a connection failed.", "exception": error})
            self._lose(error)

    def _end_reading(self) -> None:
        self.pause_reading()
        self._inflow = Inflow.ENDED

    # -- out --------------------------------------------------------------------------------------------------------------

    def write(self, data: Buffer) -> None:
        if self._closing:
            return
        sent = 0 if self._waiting else self._write_now(data)
        if sent is None or sent == len(data):
            return
        if self._waiting is None:
            self._waiting = bytearray()
            self._loop.add_writer(self._descriptor, self._write_rest)
        self._waiting += data[sent:]
        if not self._full and len(self._waiting) > HIGH:
            self._full = True
            self._protocol.pause_writing()

    def _write_now(self, data: Buffer) -> int | None:
        """How many bytes the system took; None where the connection is lost."""
        try:
            return self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self._lose(error)
            return None

    def _write_rest(self) -> None:
        waiting = self._waiting
        if waiting is None or (sent := self._write_now(waiting)) is None:
            return
        del waiting[:sent]
        if not waiting:
            self._waiting = None
            self._loop.remove_writer(self._descriptor)
            if self._shut:
                self._shut_down()
        if self._full and len(waiting) <= LOW:
            self._full = False
            self._protocol.resume_writing()

    def get_write_buffer_size(self) -> int:
        return len(self._waiting) if self._waiting else 0

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self._shut:
            self._shut = True
            if self._waiting is None:
                self._shut_down()

    def _shut_down(self) -> None:
        with suppress(OSError):  # a peer that reset the connection waits for no end
            self._sock.shutdown(socket.SHUT_WR)

    # -- the end ----------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        self._lose(None)

    def abort(self) -> None:
        self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._end_reading()
        if self._waiting is not None:
            self._waiting = None
            self._loop.remove_writer(self._descriptor)
        self._loop.call_soon(self._tell_lost, error)

    def _tell_lost(self, error: Exception | None) -> None:
        try:
            self._protocol.connection_lost(error)
        finally:
            self._sock.close()
            del self._protocol


class Acceptor:
    """Takes connections from a listening socket until it is closed, at most `a_turn` in one turn of the loop."""

    def __init__(self, sock: socket.socket, protocol: Callable[[], asyncio.BufferedProtocol], a_turn: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock, self._protocol, self._a_turn = sock, protocol, a_turn
        self._again: asyncio.TimerHandle | None = None
        self._start()

    def _start(self) -> None:
        self._again = None
        self._loop.add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        for _ in range(self._a_turn):
            try:
                sock, peer = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in USED_UP:
                    raise
                self._loop.call_exception_handler(
                    {"message": "The system has no room for another connection.", "exception": error}
                )
                self._loop.remove_reader(self._sock)
                self._again = self._loop.call_later(TRY_AGAIN, self._start)
                return
            sock.setblocking(False)
            SocketTransport(sock, self._protocol(), peer)

    def close(self) -> None:
        if self._again:
            self._again.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()
