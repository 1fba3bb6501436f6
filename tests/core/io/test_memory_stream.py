"""Two ends of a stream in one process."""

import asyncio

import pytest

from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.core.io.memory_stream import HIGH_WATER, memory_stream_pair
from plytalk.testing import byte_by_byte, randomly, whole
from plytalk.testing.transports import Receiver
from plytalk.testing.verdict import idle


@pytest.mark.parametrize("cut", [None, whole, byte_by_byte, randomly(1)])
async def test_what_is_sent_arrives_however_it_is_cut(cut) -> None:
    client, server = memory_stream_pair(cut)
    hearing = Receiver(server)
    client.send(b"hello, ")
    client.send(b"world")
    assert hearing.came == b"", "it arrives in a later turn, as on a network"
    assert client.buffered == 12
    await idle()
    assert hearing.came == b"hello, world"
    assert client.buffered == 0


async def test_each_direction_may_be_cut_its_own_way() -> None:
    client, server = memory_stream_pair(lambda data: [data.upper()], lambda data: [data[::-1]])
    ours, theirs = Receiver(client), Receiver(server)
    client.send(b"abc")
    server.send(b"abc")
    await idle()
    assert (bytes(theirs.came), bytes(ours.came)) == (b"ABC", b"cba")


async def test_a_sender_waits_for_a_reader() -> None:
    client, server = memory_stream_pair()
    client.send(bytes(HIGH_WATER))
    await client.drained()
    client.send(b"!")
    waiting = asyncio.create_task(client.drained())
    await idle()
    assert not waiting.done()
    hearing = Receiver(server)
    await waiting
    assert len(hearing.came) == HIGH_WATER + 1


async def test_a_sender_does_not_wait_for_whoever_is_gone() -> None:
    client, server = memory_stream_pair()
    client.send(bytes(HIGH_WATER + 1))
    waiting = asyncio.create_task(client.drained())
    await idle()
    server.close()
    await waiting
    client.send(b"to nobody")
    assert client.buffered == 0


async def test_the_end_comes_behind_the_last_byte_and_once() -> None:
    client, server = memory_stream_pair(byte_by_byte)
    hearing = Receiver(server)
    client.send(b"bye")
    client.close()
    client.close()
    await idle()
    assert (hearing.came, hearing.ends) == (b"bye", [None])


async def test_a_paused_end_hears_of_the_end_when_it_resumes() -> None:
    client, server = memory_stream_pair()
    hearing = Receiver(server)
    server.pause()
    client.send(b"bye")
    client.finish()
    await idle()
    assert (hearing.came, hearing.ends) == (b"", [])
    server.resume()
    await idle()
    assert (hearing.came, hearing.ends) == (b"bye", [None])


async def test_a_closed_end_hears_nothing() -> None:
    client, server = memory_stream_pair()
    hearing = Receiver(client)
    server.send(b"late")
    client.close()
    await idle()
    assert (hearing.came, hearing.ends) == (b"", [])


async def test_the_names_say_who_is_there() -> None:
    client, server = memory_stream_pair()
    assert (client.peer, server.peer) == ("memory:server", "memory:client")
    assert isinstance(client, Stream)
    assert not issubclass(type(client), Listener | Transport)


async def test_a_closed_end_lets_go_of_who_received() -> None:
    left, right = memory_stream_pair()
    heard = Receiver(left)
    left.close()
    assert left._receive is None
    assert heard.came == b""
    right.close()
