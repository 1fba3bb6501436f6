"""Any bytes over a guest's ssh connection, both ways: each line that is typed or shown has some of them in base64.

A guest's stream carries lines of text alone. In these lines it can be held to what is demanded of every transport.
"""

import asyncio
from base64 import b64decode, b64encode
from typing import Any

import asyncssh
from ssh_guests import connecting

from plytalk.core.bases.filter_stream import FilterStream
from plytalk.core.contracts.errors import CannotConnect
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.io.address import join_address
from plytalk.core.io.memory_stream import MemoryStream, memory_stream_pair
from plytalk.plugins.ssh.guest_stream import EXIT, LENGTH
from plytalk.plugins.transports.ssh import Ssh

PIECE = 9000
"""Bytes in a line: no line of a guest may have more than 16,384 characters."""


class Lines(FilterStream):
    """Bytes over the lines of a guest."""

    what, ends_with_below = "lines", True

    def __init__(self, below: Stream) -> None:
        super().__init__(below)
        self._came = bytearray()

    def start(self) -> None:
        self.is_open()
        self.below.deliver_to(self._take, self._below_ends)

    def take(self, data: bytes) -> None:
        self._came += data
        while (line := self.next_line()) is not None:
            if line == EXIT:
                self.deliver_end()
            else:
                self.deliver(b64decode(line))

    def next_line(self) -> bytes | None:
        """The next line that is complete: at the server it follows its length."""
        size = int.from_bytes(self._came[:LENGTH], "big")
        if len(self._came) < LENGTH + size or len(self._came) < LENGTH:
            return None
        line = bytes(self._came[LENGTH : LENGTH + size])
        del self._came[: LENGTH + size]
        return line

    def wrap(self, data: bytes) -> bytes:
        pieces = (b64encode(data[at : at + PIECE]) for at in range(0, len(data), PIECE))
        return b"".join(map(self.written, pieces))

    def written(self, line: bytes) -> bytes:
        return len(line).to_bytes(LENGTH, "big") + line

    def wrap_end(self) -> bytes:
        return b""


class GuestLines(Lines):
    """The guest's end."""

    def __init__(self, below: Stream, connection: asyncssh.SSHClientConnection) -> None:
        super().__init__(below)
        self._connection = connection

    def next_line(self) -> bytes | None:
        line, end, rest = self._came.partition(b"\n")
        if not end:
            return None
        self._came = rest
        return bytes(line)

    def written(self, line: bytes) -> bytes:
        return line + b"\n"

    def close(self) -> None:
        super().close()
        self._connection.close()


class Shell(asyncssh.SSHClientSession[bytes]):
    """A guest's shell, whose input and output go to a stream in memory."""

    def __init__(self, stream: MemoryStream) -> None:
        self._stream = stream
        self._draining: asyncio.Task[None] | None = None

    def connection_made(self, chan: Any) -> None:
        self._channel = chan

    def session_started(self) -> None:
        self._stream.deliver_to(lambda data: self._channel.write(bytes(data)), lambda error: self._channel.write_eof())

    def data_received(self, data: bytes, datatype: Any) -> None:
        self._stream.send(data)
        if self._stream.full and self._draining is None:
            self._channel.pause_reading()
            self._draining = asyncio.ensure_future(self._read_on())

    async def _read_on(self) -> None:
        await self._stream.drained()
        self._draining = None
        self._channel.resume_reading()

    def pause_writing(self) -> None:
        self._stream.pause()

    def resume_writing(self) -> None:
        self._stream.resume()

    def eof_received(self) -> bool:
        self._stream.finish()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if exc:
            self._stream.reset()
        else:
            self._stream.finish()


class LinesListener(Listener):
    """Takes guests, and lets all of them in."""

    def __init__(self, guests: Listener) -> None:
        self._guests, self.address = guests, guests.address

    async def accept(self) -> Stream:
        guest: Any = await self._guests.accept()
        guest.judge_logins(everybody)
        lines = Lines(guest)
        lines.start()
        return lines

    async def close(self) -> None:
        await self._guests.close()


async def everybody(identity: Identity | None) -> bool:
    return True


class SshInLines(Ssh):
    """ssh in lines of base64, with a client's end as well."""

    name = "ssh-in-lines"

    async def listen(self, host: str, port: int) -> Listener:
        await self.ready(Role.RESPONDER, str)
        return LinesListener(await super().listen(host, port))

    async def connect(self, host: str, port: int) -> Stream:
        try:
            connection = await connecting(join_address(host, port))
        except OSError as error:
            raise CannotConnect(str(error)) from None
        ours, theirs = memory_stream_pair()
        await connection.create_session(lambda: Shell(theirs), encoding=None)
        lines = GuestLines(ours, connection)
        lines.start()
        return lines
