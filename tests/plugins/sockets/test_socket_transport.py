"""The transport under a stream of a server, over real sockets. What it shares with asyncio's is in `test_asyncio_stream.py`."""

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EMFILE
from typing import Any

import pytest

from plytalk.core.io.asyncio_stream import AsyncioStream
from plytalk.plugins.sockets import socket_transport
from plytalk.plugins.sockets.socket_transport import HIGH, Acceptor, SocketTransport
from plytalk.testing.transports import Receiver
from plytalk.testing.verdict import idle


def connected() -> tuple[AsyncioStream, SocketTransport, socket.socket]:
    """A stream, its transport, and the plain socket at the other end."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    stream = AsyncioStream()
    return stream, SocketTransport(ours, stream, "here"), theirs


async def received(sock: socket.socket, size: int) -> bytes:
    """This many bytes, or all until the end."""
    loop, got = asyncio.get_running_loop(), b""
    while len(got) < size and (more := await loop.sock_recv(sock, size - len(got))):
        got += more
    return got


async def test_an_error_of_a_receiver_is_told_to_the_loop_and_ends_the_connection() -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    stream, transport, theirs = connected()
    failure = ValueError("a receiver is broken")
    ends: list[Exception | None] = []

    def receive(data: object) -> None:
        raise failure

    stream.deliver_to(receive, ends.append)
    theirs.send(b"x")
    await idle()
    assert [context["exception"] for context in told] == [failure]
    assert ends == [failure]
    assert transport.is_closing()
    theirs.close()


async def test_after_the_peer_s_end_nothing_is_read_any_more() -> None:
    stream, transport, theirs = connected()
    receiver = Receiver(stream)
    theirs.shutdown(socket.SHUT_WR)
    await receiver.hears_the_end("no end came")
    stream.pause()
    stream.resume()
    await idle()
    assert receiver.ends == [None]
    assert not transport.is_reading()
    stream.send(b"still there")
    assert await received(theirs, 11) == b"still there"
    stream.close()
    theirs.close()


async def test_the_end_of_our_direction_waits_for_what_is_to_be_written_before_it() -> None:
    stream, transport, theirs = connected()
    while not stream.full:
        stream.send(bytes(HIGH))
    sent = stream.buffered
    stream.finish()
    assert stream.buffered == sent
    everything = await received(theirs, 1 << 30)
    assert len(everything) > sent
    assert not stream.full
    assert not transport.is_closing()
    stream.close()
    theirs.close()


async def test_what_cannot_be_written_any_more_ends_the_connection() -> None:
    stream, transport, theirs = connected()
    receiver = Receiver(stream)
    while not stream.full:
        stream.send(bytes(HIGH))
    theirs.close()
    await receiver.hears_the_end("no end came")
    assert isinstance(receiver.ends[-1], ConnectionError)
    assert transport.is_closing()
    transport.write(b"too late")
    assert transport.get_write_buffer_size() == 0


async def test_it_tells_its_socket_and_its_peer() -> None:
    stream, transport, theirs = connected()
    assert transport.get_extra_info("socket").fileno() >= 0
    assert transport.get_extra_info("peername") == "here"
    assert transport.get_extra_info("cipher", "none") == "none"
    stream.close()
    await idle()
    assert transport.get_extra_info("socket").fileno() == -1
    theirs.close()


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """The system gives this process no further descriptor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("closed", [False, True])
async def test_where_the_system_has_no_room_it_is_asked_again_later(monkeypatch: pytest.MonkeyPatch, closed: bool) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    monkeypatch.setattr(socket_transport, "TRY_AGAIN", 0.01)
    there = asyncio.Event()
    streams: list[AsyncioStream] = []

    def protocol() -> AsyncioStream:
        streams.append(AsyncioStream(lambda stream: there.set()))
        return streams[-1]

    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    acceptor = Acceptor(listening, protocol, 4)
    with socket.create_connection(listening.getsockname()):
        with no_more_descriptors():
            await idle()
        assert not streams
        assert {context["exception"].errno for context in told} == {EMFILE}  # it may have been tried again already
        if closed:
            acceptor.close()
            await asyncio.sleep(0.05)
            assert not streams
            return
        await there.wait()
        acceptor.close()
    for stream in streams:
        stream.close()
