"""Streams whose pieces cost work whatever is in them: what many small ones take, and that none is lost."""

import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from certificates import Authority

from plytalk.core.bases.filter_listener import opened_client
from plytalk.core.bases.paced_stream import BURST, PacedStream
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.plugins.sockets.tls_stream import TlsStream
from plytalk.plugins.sockets.web_socket import WebServing, WebSocketClient, WebSocketServer
from plytalk.testing.transports import Receiver
from plytalk.testing.verdict import idle


class OneByOne(WebSocketClient):
    """Sends each byte in a frame."""

    def wrap(self, data: bytes) -> bytes:
        return b"".join(super(OneByOne, self).wrap(data[at : at + 1]) for at in range(len(data)))


class OneByOneTls(TlsStream):
    """Sends each byte in a record."""

    def wrap(self, data: bytes) -> bytes:
        return b"".join(super(OneByOneTls, self).wrap(data[at : at + 1]) for at in range(len(data)))


Both = Callable[[], Awaitable[tuple[PacedStream, PacedStream]]]


@pytest.fixture(params=["ws", "tls"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Both:
    """Makes a client that sends byte by byte, and its server."""

    async def by_web_socket() -> tuple[PacedStream, PacedStream]:
        client_end, server_end = memory_stream_pair()
        server = WebSocketServer(server_end, WebServing())
        server.start()
        return await opened_client(OneByOne(client_end, "ws://127.0.0.1/"), 10), server

    async def by_tls() -> tuple[PacedStream, PacedStream]:
        authority, (client_end, server_end) = Authority(tmp_path), memory_stream_pair()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.signs("a server"))
        server = TlsStream(server_end, context)
        server.start()
        trusting = ssl.create_default_context(cafile=authority.file)
        return await opened_client(OneByOneTls(client_end, trusting, "localhost"), 10), server

    return by_tls if request.param == "tls" else by_web_socket


@pytest.mark.parametrize("ends", [False, True])
async def test_pieces_that_cost_more_than_they_say_are_read_slowly_and_in_full(both: Both, ends: bool) -> None:
    """A quarter of a mebibyte of empty frames took a tenth of a second, in which nobody else was served."""
    client, server = await both()
    heard, pieces = Receiver(server), 8 * BURST
    client.send(b"x" * pieces)
    if ends:  # then no more comes than this
        client.finish()
        client.below.finish()
    await idle()
    assert BURST <= len(heard.came) < pieces or ends
    if ends:
        await heard.hears(b"x" * pieces, "What was read slowly is lost.")
        await heard.hears_the_end("The end is lost.")
        assert heard.ends == [None]
    client.close()
    server.close()


async def test_reading_goes_on_after_a_while(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plytalk.core.bases.paced_stream.RATE", 1_000_000)
    client, server = await both()
    heard, pieces = Receiver(server), 8 * BURST
    client.send(b"x" * pieces)
    await heard.hears(b"x" * pieces, "What was read slowly is lost.")
    client.send(b"y" * BURST * 8)
    server.pause()
    await idle()
    server.resume()
    await heard.hears(b"x" * pieces + b"y" * BURST * 8, "It does not continue.")
    client.close()
    server.close()


async def test_large_pieces_are_not_counted(both: Both) -> None:
    _, server = await both()
    before = server._bucket.left
    server.charge(64)
    assert server._bucket.left == before
    server.charge(63)
    assert server._bucket.left == before - 1
    server.close()
