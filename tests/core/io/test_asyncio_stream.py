"""The driver that tcp and unix share, over a socket pair: what `check_transport` cannot see from outside."""

import asyncio
import socket
import struct
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from plytalk.core.contracts.batch_methods import LARGE
from plytalk.core.io.asyncio_stream import READ, AsyncioListener, AsyncioStream, _do_nothing, read_buffer
from plytalk.plugins.sockets.socket_transport import SocketTransport
from plytalk.testing.transports import Receiver
from plytalk.testing.verdict import idle

Pair = Callable[[], Awaitable[tuple[AsyncioStream, AsyncioStream]]]


async def pair_of_asyncio() -> tuple[AsyncioStream, AsyncioStream]:
    loop = asyncio.get_running_loop()
    left, right = socket.socketpair()
    return (
        (await loop.create_connection(lambda: AsyncioStream(name="left"), sock=left))[1],
        (await loop.create_connection(lambda: AsyncioStream(name="right"), sock=right))[1],
    )


async def pair_of_ours() -> tuple[AsyncioStream, AsyncioStream]:
    left, right = AsyncioStream(name="left"), AsyncioStream(name="right")
    for stream, sock in zip((left, right), socket.socketpair(), strict=True):
        sock.setblocking(False)
        SocketTransport(sock, stream, stream.peer)
    return left, right


@pytest.fixture(params=[pair_of_asyncio, pair_of_ours])
def pair(request: pytest.FixtureRequest) -> Pair:
    """Two streams that are connected, over either kind of transport."""
    made: Pair = request.param
    return made


async def test_bytes_go_both_ways_and_the_end_behind_them(pair: Pair) -> None:
    left, right = await pair()
    ours, theirs = Receiver(left), Receiver(right)
    left.send(b"hello")
    right.send(b"hello yourself")
    await theirs.hears(b"hello", "nothing came")
    await ours.hears(b"hello yourself", "nothing came")
    left.close()
    await theirs.hears_the_end("no end came")
    assert theirs.ends == [None]
    right.close()


@pytest.mark.parametrize("size", [5, LARGE, 4_000_000])
async def test_pieces_that_are_sent_together_arrive_in_order(pair: Pair, size: int) -> None:
    """Also where the system takes only a part of them, or other bytes wait already."""
    left, right = await pair()
    theirs = Receiver(right)
    pieces = [b"head", bytes(size), b"next", b"\1" * size]
    left.send_batch(pieces)
    left.send_batch(pieces)
    await theirs.hears(b"".join(pieces * 2), "not all came")
    left.close()
    left.send_batch(pieces)
    right.close()


async def test_it_is_ready_when_it_stands() -> None:
    stood: list[AsyncioStream] = []
    left, right = socket.socketpair()
    _, stream = await asyncio.get_running_loop().create_connection(lambda: AsyncioStream(stood.append), sock=left)
    assert stood == [stream]
    stream.close()
    right.close()


async def test_a_read_is_larger_than_the_buffer_s_share_for_nobody(pair: Pair) -> None:
    """All streams read into one buffer, so what one receives must not change when the next reads."""
    pairs = [await pair() for _ in range(3)]
    receivers = [Receiver(right) for _, right in pairs]
    for number, (left, _) in enumerate(pairs):
        left.send(bytes([number]) * READ)
    for number, receiver in enumerate(receivers):
        await receiver.hears(bytes([number]) * READ, "bytes of another connection came")
    for streams in pairs:
        for stream in streams:
            stream.close()


async def test_nothing_is_read_before_somebody_receives(pair: Pair) -> None:
    left, right = await pair()
    left.send(b"early")
    left.finish()
    await idle()
    receiver = Receiver(right)
    await receiver.hears_the_end("no end came")
    assert receiver.came == b"early"
    left.close()
    right.close()


async def test_a_loop_that_reads_before_somebody_receives_loses_nothing(pair: Pair) -> None:
    """uvloop reads whatever `connection_made` asked for."""
    left, right = await pair()
    for piece in b"ear", b"ly":
        right.get_buffer(-1)[: len(piece)] = piece
        right.buffer_updated(len(piece))
    left.send(b" and late")
    await idle()
    receiver = Receiver(right)
    await receiver.hears(b"early and late", "what came before anybody received was lost")
    left.close()
    right.close()


async def test_who_is_paused_from_the_start_stays_so(pair: Pair) -> None:
    left, right = await pair()
    right.pause()
    receiver = Receiver(right)
    left.send(b"held back")
    await idle()
    assert receiver.came == b""
    right.resume()
    await receiver.hears(b"held back", "nothing came")
    left.close()
    right.close()


async def test_a_cancelled_waiter_leaves_the_others_waiting(pair: Pair) -> None:
    left, right = await pair()
    receiver = Receiver(right)
    right.pause()
    while not left.full:
        left.send(bytes(READ))
        await idle()
    waiting = [asyncio.create_task(left.drained()) for _ in range(3)]
    await idle()
    waiting[1].cancel()
    await idle()
    assert [task.done() for task in waiting] == [False, True, False]
    right.resume()
    await asyncio.gather(waiting[0], waiting[2])
    assert receiver.came
    left.close()
    right.close()


async def test_who_waits_to_send_is_released_when_the_connection_goes(pair: Pair) -> None:
    left, right = await pair()
    while not left.full:
        left.send(bytes(READ))
        await idle()
    waiting = asyncio.create_task(left.drained())
    await idle()
    right._transport.abort()
    await waiting
    assert waiting.done()
    assert left._transport.is_closing()
    left.close()


async def test_a_connection_that_was_reset_can_be_finished_and_closed(pair: Pair) -> None:
    left, right = await pair()
    ours = Receiver(left)
    right.send(b"unread")
    left._transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
    left.finish()
    left.finish()
    left.send(b"too late")
    left.close()
    left.close()
    await ours.hears_the_end("no end came")
    right.close()


async def test_closing_drops_what_nobody_takes(pair: Pair) -> None:
    left, right = await pair()
    while not left.full:
        left.send(bytes(READ))
        await idle()
    assert left.buffered > 0
    left.close()
    await idle()
    assert left._transport.is_closing()
    right.close()


@pytest.mark.parametrize("late", [False, True])
async def test_a_peer_that_arrives_at_a_closed_listener_is_sent_away(late: bool) -> None:
    loop = asyncio.get_running_loop()
    listener = AsyncioListener()
    server = await loop.create_server(listener.protocol, "127.0.0.1", 0)
    listener.start(server, "somewhere")
    if late:
        await listener.close()
    left, right = socket.socketpair()
    _, stream = await loop.create_connection(listener.protocol, sock=left)
    await listener.close()
    await idle()
    assert stream._transport.is_closing()
    assert listener.address == "somewhere"
    right.close()


async def test_a_closed_transport_is_not_part_of_a_reference_cycle() -> None:
    left, right = await pair_of_asyncio()
    transport = left._transport
    left.close()
    right.close()
    await idle()
    assert [name for name, value in vars(transport).items() if getattr(value, "__self__", None) is transport] == []
    for value in vars(transport).values():
        if value is _do_nothing:
            value()


async def test_what_came_before_a_write_fails_is_read() -> None:
    """The peer said something and reset the connection; the next write fails before anything was read.

    The error holds none of the frames in which it was raised: they would keep all that was being done.
    """
    loop = asyncio.get_running_loop()
    listening = socket.create_server(("127.0.0.1", 0))
    ready: asyncio.Future[AsyncioStream] = loop.create_future()
    await loop.create_connection(lambda: AsyncioStream(ready.set_result), *listening.getsockname())
    ours = await ready
    theirs, _ = listening.accept()
    heard: list[bytes] = []
    errors: list[Exception | None] = []
    over = asyncio.Event()

    def ended(error: Exception | None) -> None:
        errors.append(error)
        over.set()

    ours.send(b"unread")
    theirs.sendall(b"last words")
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ours.pause()
    ours.deliver_to(lambda data: heard.append(bytes(data)), ended)
    theirs.close()
    while not over.is_set():
        ours.send(b"x")
        await asyncio.sleep(0)
    listening.close()
    ours.close()
    assert b"".join(heard) == b"last words"
    assert errors
    assert errors[0] is not None
    assert errors[0].__traceback__ is None


async def met() -> tuple[AsyncioStream, socket.socket]:
    """A stream over TCP, and the plain socket of its peer."""
    ready: asyncio.Future[AsyncioStream] = asyncio.get_running_loop().create_future()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        await asyncio.get_running_loop().create_connection(lambda: AsyncioStream(ready.set_result), *listening.getsockname())
        return await ready, listening.accept()[0]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how much its TCP has not delivered")
async def test_the_end_of_our_direction_is_not_an_undelivered_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux counts the FIN until the peer acknowledges it, which a peer that is gone never does."""
    ours, theirs = await met()
    monkeypatch.setattr("plytalk.core.io.asyncio_stream.ioctl", lambda *arguments: (1).to_bytes(4, sys.byteorder))
    assert ours.undelivered == 1
    ours.finish()
    assert ours.undelivered == 0
    ours.close()
    theirs.close()


async def test_what_a_broken_connection_did_not_deliver_is_known_after_it() -> None:
    ours, theirs = await met()
    over = Receiver(ours)
    ours.pause()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    theirs.close()
    while not over.ends:
        ours.send(b"x" * 100)
        await asyncio.sleep(0)
    lost = ours.undelivered
    assert lost >= 100
    ours.send(b"y" * 50)
    assert ours.undelivered == lost + 50
    ours.close()


async def test_a_peer_that_took_everything_and_closed_leaves_nothing_undelivered() -> None:
    ours, theirs = await met()
    over = Receiver(ours)
    ours.send(b"read by the peer")
    assert theirs.recv(100) == b"read by the peer"
    theirs.close()
    await over.hears_the_end("no end came")
    ours.finish()
    assert ours.undelivered == 0
    ours.close()


def test_two_event_loops_in_two_threads_do_not_read_into_one_buffer() -> None:
    """What one loop had read and not yet handed on was overwritten by the other."""
    with ThreadPoolExecutor(2) as pool:
        there = threading.Barrier(2)

        def own() -> tuple[memoryview, memoryview]:
            there.wait(180)
            return read_buffer(), read_buffer()

        (first, again), (second, _) = pool.map(lambda _: own(), range(2))
    assert first.obj is again.obj
    assert first.obj is not second.obj
