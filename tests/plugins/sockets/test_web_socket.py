"""A stream over a WebSocket, against the package's client as another program, and what a server asks of those who come."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as dial
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from plytalk.core.bases.filter_listener import opened_client
from plytalk.core.contracts.errors import CannotConnect, HandshakeFailed, Refused
from plytalk.core.contracts.optional import Opens
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.plugins.sockets.web_socket import MOST, WebServing, WebSocketClient, WebSocketServer
from plytalk.plugins.transports.ws import Ws
from plytalk.testing.transports import Receiver, TransportBed
from plytalk.testing.verdict import idle, within


@asynccontextmanager
async def listening(**options: Any) -> AsyncIterator[Listener]:
    listener = await Ws(**options).listen("127.0.0.1", 0)
    try:
        yield listener
    finally:
        await listener.close()


@asynccontextmanager
async def stranger(listener: Listener, **options: Any) -> AsyncIterator[tuple[ClientConnection, Stream]]:
    """Another program's client, and our end of its connection."""
    accepting = asyncio.create_task(listener.accept())
    async with dial(f"ws://{listener.address}/", subprotocols=["plytalk.1"], **options) as client:  # type: ignore[list-item]
        server = await accepting
        yield client, server
        server.close()


async def test_another_program_talks_and_half_closes() -> None:
    async with listening() as listener, stranger(listener) as (client, server):
        assert client.subprotocol == "plytalk.1"
        assert client.protocol.extensions == []
        theirs = Receiver(server)
        await client.send(b"hello ")
        await client.send([b"in", b" ", b"", b"pieces"])
        await theirs.hears(b"hello in pieces", "It does not arrive.")
        await client.send(b"")
        await theirs.hears_the_end("An empty message is the end.")
        assert theirs.ends == [None]
        await client.send(b"too late")
        server.send(bytes(2 * MOST + 1))
        assert [len(await client.recv()) for _ in range(3)] == [MOST, MOST, 1]
        server.finish()
        assert await client.recv() == b""
        assert theirs.came == b"hello in pieces"
        assert client.state.name == "OPEN"


@pytest.mark.parametrize(
    ("sent", "code", "why"),
    [("text", 1003, "text instead of a binary"), (bytes(MOST + 1), 1009, "exceeds limit of 65536 bytes")],
    ids=["text", "too long"],
)
async def test_text_and_long_messages_end_it_with_a_code(sent: Any, code: int, why: str) -> None:
    async with listening() as listener, stranger(listener) as (client, server):
        theirs = Receiver(server)
        await client.send(sent)
        await theirs.hears_the_end("It goes on.")
        assert why in str(theirs.ends[0])
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code


async def test_a_close_without_an_end_is_a_cut() -> None:
    async with listening() as listener, stranger(listener) as (client, server):
        theirs = Receiver(server)
        await client.close()
        await theirs.hears_the_end("It goes on.")
        assert "closed its WebSocket without an end" in str(theirs.ends[0])


async def test_what_is_sent_to_one_that_has_closed_is_told_as_not_arrived() -> None:
    async with listening() as listener, stranger(listener) as (client, server):
        theirs = Receiver(server)
        await client.send(b"")
        await theirs.hears_the_end("An empty message is the end.")
        await client.close()
        server.send(b"to nobody")
        await theirs.until(lambda: len(theirs.ends) == 2, "It counts as sent.")
        assert isinstance(theirs.ends[1], ConnectionError)


async def test_a_client_must_ask_for_our_subprotocol() -> None:
    async with listening() as listener:
        accepting = asyncio.create_task(listener.accept())
        with pytest.raises(InvalidStatus) as refused:
            await dial(f"ws://{listener.address}/", subprotocols=["chat"])  # type: ignore[list-item]
        assert refused.value.response.status_code == 400
        server = await accepting
        assert isinstance(server, Opens)
        with pytest.raises(HandshakeFailed, match="not for a WebSocket of plytalk"):
            await server.opened()


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080", True),
        ("http://localhost", "localhost", True),
        ("https://[::1]:8443", "[::1]:8443", True),
        ("https://chat.example.org", "chat.example.org", True),
        ("null", "127.0.0.1:8080", False),
        ("http://evil.example", "127.0.0.1:8080", False),
        ("http://evil.example", "evil.example", False),  # a name that somebody has pointed here
        ("http://127.0.0.1:9999", "127.0.0.1:8080", False),
    ],
)
def test_a_page_may_come_from_the_server_s_own_number_or_from_where_it_is_allowed(origin: str, host: str, allowed: bool) -> None:
    assert WebServing(origins=["https://chat.example.org"]).allows(origin, host) is allowed


async def test_a_page_from_elsewhere_is_refused_before_anything_is_said() -> None:
    async with listening() as listener:
        accepting = asyncio.create_task(listener.accept())
        with pytest.raises(InvalidStatus) as refused:
            await dial(f"ws://{listener.address}/", subprotocols=["plytalk.1"], origin="https://evil.example")  # type: ignore[arg-type,list-item]
        assert refused.value.response.status_code == 403
        with pytest.raises(Refused, match=r"Pages of https://evil\.example may not come here") as told:
            await (await accepting).opened()  # type: ignore[attr-defined]
        assert told.value.hint == ""  # its user is told what to do already, and the stacks are the same


@pytest.mark.parametrize("proxies", ["127.0.0.1", "10.0.0.1"], ids=["a proxy", "anybody else"])
async def test_only_a_named_proxy_says_where_a_peer_is(proxies: str) -> None:
    forged = {"X-Forwarded-For": "203.0.113.7"}
    async with listening(trusted_proxy=proxies) as listener, stranger(listener, additional_headers=forged) as (client, server):
        ours = client.local_address[1]
        assert server.peer == (f"203.0.113.7:{ours}" if proxies == "127.0.0.1" else f"127.0.0.1:{ours}")


class Pinged(WebSocketClient):
    """Counts pings."""

    pings = 0

    def _hear(self, frame: Frame) -> None:
        self.pings += frame.opcode is Opcode.PING
        super()._hear(frame)


async def test_the_server_pings_and_not_one_that_does_not_read() -> None:
    client_end, server_end = memory_stream_pair()
    server = WebSocketServer(server_end, WebServing(ping=0.001))
    server.start()
    client = Pinged(client_end, "ws://127.0.0.1/")
    await opened_client(client, 10)

    async def pinged(times: int) -> None:
        while client.pings < times:
            await idle()

    Receiver(client)
    await within(pinged(3), "No ping comes.")
    client.below.pause()
    server.send(b"unread")
    before = client.pings
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert server.below.buffered < 100
    client.below.resume()
    await within(pinged(before + 1), "No ping comes any more.")
    server.close()
    await idle()
    after = client.pings
    await asyncio.sleep(0.005)
    assert client.pings == after


async def test_one_that_pings_and_does_not_read_gets_no_more_pongs() -> None:
    ping = Frame(Opcode.PING, bytes(125)).serialize(mask=True)
    async with listening() as listener, stranger(listener, ping_interval=None) as (client, server):
        Receiver(server)
        client.transport.pause_reading()
        for _ in range(100):
            client.transport.write(ping * 1000)
            async with asyncio.timeout(180):
                while client.transport.get_write_buffer_size():  # noqa: ASYNC110
                    await asyncio.sleep(0)
        assert 0 < server.buffered < 1 << 20
        client.transport.abort()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "answered 404 Not Found, and opened no WebSocket"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak WebSocket"),
    ],
)
async def test_a_server_that_is_another_program_is_said_in_words(answer: bytes, said: str) -> None:
    client_end, server_end = memory_stream_pair()
    server_end.send(answer)
    with pytest.raises(CannotConnect, match=said):
        await opened_client(WebSocketClient(client_end, "ws://127.0.0.1/"), 10)


async def test_what_is_not_http_is_refused() -> None:
    client_end, server_end = memory_stream_pair()
    server = WebSocketServer(server_end, WebServing())
    server.start()
    client_end.send(b"\x00\x20 a frame of u16" + bytes(20) + b"\r\n")
    with pytest.raises(HandshakeFailed, match="does not speak WebSocket"):
        await server.opened()


async def test_each_end_hears_where_the_other_is() -> None:
    place = TransportBed(Ws, "127.0.0.1", 0)
    listener = await place.listen()
    client, server = await place.pair(listener)
    assert client.peer == listener.address
    assert server.peer.startswith("127.0.0.1:")
    for stream in (client, server):
        stream.close()
    await listener.close()
