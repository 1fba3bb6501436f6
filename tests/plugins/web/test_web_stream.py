"""The listener of the page under attack: each that may not ask gets one refusal in words, and a page costs nobody a failure."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.client import connect as dial
from websockets.exceptions import InvalidStatus

from plytalk.core.contracts.errors import Answered, HandshakeFailed
from plytalk.core.contracts.limits import Limits
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.plugins.transports.web import Web
from plytalk.plugins.web import web_stream
from plytalk.plugins.web.http_head import LONGEST, HttpRefused, read_head
from plytalk.plugins.web.web_stream import PageServing, WebStream
from plytalk.testing.transports import Receiver
from plytalk.testing.verdict import idle, within

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: plytalk.1\r\n"
)
REFUSED = {
    "another name": (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, "asked for by another name"),
    "a socket by another name": (UPGRADE.replace(b"localhost", b"evil.example") + b"\r\n", 421, "asked for by another name"),
    "another origin": (UPGRADE + b"Origin: https://evil.example\r\n\r\n", 403, "Pages of https://evil.example may not"),
    "no origin": (UPGRADE + b"Origin: null\r\n\r\n", 403, "Pages of null may not"),
    "two origins": (UPGRADE + b"Origin: http://localhost\r\nOrigin: null\r\n\r\n", 403, "may not come here"),
    "another port": (UPGRADE + b"Origin: http://localhost:81\r\n\r\n", 403, "may not come here"),
    "two requests in one": (GET.replace(b"\r\n\r\n", b"\r\nContent-Length: 40\r\n\r\n") + GET, 400, "has no body here"),
    "chunks": (GET.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n") + b"0\r\n\r\n" + GET, 400, "no body here"),
    "a huge head": (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + bytes(10 * LONGEST), 431, "at most 8,192 bytes"),
    "a huge field": (GET[:-2] + b"X: " + b"y" * LONGEST + b"\r\n\r\n", 431, "at most 8,192 bytes"),
    "another protocol": (b"\x16\x03\x01 hello \r\n\r\n", 400, "not an HTTP/1.1 request"),
}


class Page:
    """A stranger's connection to the page's listener, and our end of it."""

    def __init__(self, **serving: Any) -> None:
        self.theirs, below = memory_stream_pair()
        below.peer = serving.pop("peer", "127.0.0.1:4711")
        self.stream = WebStream(below, PageServing(**serving))
        self.stream.start()
        self.heard = Receiver(self.theirs)

    async def says(self, sent: bytes) -> str:
        """What it is answered until the end, in words."""
        self.theirs.send(sent)
        await self.heard.hears_the_end("it is not answered")
        return self.heard.came.decode()

    async def outcome(self) -> BaseException:
        self.theirs.finish()
        try:
            await within(self.stream.opened(), "it never ends")
        except Exception as error:
            return error
        raise AssertionError("it is open")


@pytest.mark.parametrize(("sent", "status", "said"), REFUSED.values(), ids=REFUSED)
async def test_what_may_not_be_asked_is_refused_once_and_in_words(sent: bytes, status: int, said: str) -> None:
    page = Page()
    answer = await page.says(sent)
    assert answer.startswith(f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n")
    assert answer.count("HTTP/1.1 4") == 1
    assert said in answer
    assert "Content-Security-Policy: default-src 'none';" in answer
    refused = await page.outcome()
    assert isinstance(refused, HttpRefused)
    assert said in str(refused)


@pytest.mark.parametrize("path", ["/", "/files.js", "/none", "/ws"])
async def test_what_may_be_asked_is_answered_and_no_failure(path: str) -> None:
    page = Page()
    answer = await page.says(GET.replace(b"/", path.encode(), 1))
    assert answer.split()[1] == {"/none": "404", "/ws": "426"}.get(path, "200")
    assert isinstance(await page.outcome(), Answered)


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "CONNECT"])
async def test_another_method_is_answered_with_the_right_one(method: str) -> None:
    page = Page()
    answer = await page.says(GET.replace(b"GET", method.encode()))
    assert answer.startswith("HTTP/1.1 405 Method Not Allowed\r\n")
    assert "\r\nAllow: GET\r\n" in answer
    assert isinstance(await page.outcome(), Answered)


async def test_a_head_may_come_byte_by_byte_and_what_follows_it_is_not_read() -> None:
    page = Page()
    for at in range(len(GET)):
        page.theirs.send(GET[at : at + 1])
        await idle()
    answer = await page.says(GET)
    assert answer.count("HTTP/1.1 ") == 1
    assert isinstance(await page.outcome(), Answered)


async def test_the_end_of_an_answer_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_stream, "LINGER", 3600)
    page = Page()
    assert "200 OK" in await page.says(GET)
    assert isinstance(await page.outcome(), Answered)


async def test_a_browser_may_connect_and_say_nothing() -> None:
    page = Page()
    assert isinstance(await page.outcome(), Answered)


async def test_one_that_goes_in_the_middle_of_its_head_has_failed() -> None:
    page = Page()
    page.theirs.send(GET[:20])
    failed = await page.outcome()
    assert isinstance(failed, HandshakeFailed)
    assert not isinstance(failed, HttpRefused)


async def test_a_head_that_does_not_come_in_time_is_refused_and_silence_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_stream, "HEAD_SECONDS", 0.01)
    slow, silent = Page(), Page()
    assert (await slow.says(GET[:20])).startswith("HTTP/1.1 408 Request Timeout\r\n")
    assert "took too long" in str(await slow.outcome())
    await silent.heard.hears_the_end("silence is kept")
    assert silent.heard.came == b""
    assert isinstance(await silent.outcome(), Answered)


async def test_the_connection_ends_also_where_the_other_side_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_stream, "LINGER", 0.01)
    page = Page()
    await page.says(GET)
    with pytest.raises(Answered):
        await within(page.stream.opened(), "it waits for ever")


async def test_it_does_not_end_before_the_answer_has_been_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_stream, "LINGER", 0.01)
    page = Page()
    page.theirs.pause()
    page.theirs.send(GET)
    waiting = asyncio.create_task(page.stream.opened())
    for _ in range(5):
        await asyncio.sleep(0.01)
    assert not waiting.done()
    page.theirs.resume()
    await page.heard.hears_the_end("the answer is lost")
    assert page.heard.came.endswith(b"</script>\n")
    with pytest.raises(Answered):
        await within(waiting, "it waits for ever")


@pytest.mark.parametrize(
    ("peer", "has_tls", "host", "refused"),
    [
        ("127.0.0.1:1", False, "localhost", None),
        ("[::1]:1", False, "[::1]:80", None),
        ("127.0.0.1:1", False, "chat.example.org", 421),
        ("192.0.2.7:1", False, "localhost", 403),
        ("192.0.2.7:1", False, "chat.example.org", 403),
        ("192.0.2.7:1", True, "chat.example.org", None),
        ("10.0.0.1:1", False, "chat.example.org", None),
    ],
)
def test_who_may_ask_for_which_host(peer: str, has_tls: bool, host: str, refused: int | None) -> None:
    serving = PageServing(proxies=["10.0.0.1"], has_tls=has_tls)
    head = read_head(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    with pytest.raises(HttpRefused) if refused else contextlib.nullcontext() as caught:
        serving.check(peer, head)
    assert not refused or caught.value.status == refused  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("peer", "has_tls", "origin", "allowed"),
    [
        ("192.0.2.7:1", True, "https://chat.example.org", True),
        ("10.0.0.1:1", False, "https://chat.example.org", True),
        ("10.0.0.1:1", False, "http://chat.example.org", False),
        ("127.0.0.1:1", False, "https://chat.example.org", False),
        ("192.0.2.7:1", True, "https://evil.example", False),
        ("192.0.2.7:1", True, "null", False),
    ],
)
def test_a_name_may_be_that_of_the_page_s_server_where_tls_has_proved_it(
    peer: str, has_tls: bool, origin: str, allowed: bool
) -> None:
    assert PageServing(proxies=["10.0.0.1"], has_tls=has_tls).allows_from(peer, origin, "chat.example.org") is allowed


async def test_a_request_by_a_proxy_counts_for_the_one_it_names() -> None:
    page = Page(peer="10.0.0.1:4711", proxies=["10.0.0.1"])
    await page.says(GET[:-2] + b"X-Forwarded-For: 192.0.2.1, 192.0.2.7\r\n\r\n")
    assert page.stream.peer == "192.0.2.7:4711"


@asynccontextmanager
async def listening(**options: Any) -> AsyncIterator[str]:
    """The address of a listener that accepts all; nothing is read from those that open a WebSocket."""
    listener = await Web(**options).listen("127.0.0.1", 0)

    async def accept() -> None:
        while True:
            await listener.accept()

    accepting = asyncio.create_task(accept())
    try:
        yield listener.address
    finally:
        accepting.cancel()
        await listener.close()


@pytest.mark.parametrize(
    ("options", "origin"),
    [({}, None), ({}, "own"), ({"origin": "null"}, "null"), ({"origin": "https://a.example"}, "https://a.example")],
    ids=["a program", "its own page", "a file", "an allowed page"],
)
async def test_the_websocket_opens_for_those_who_may_come(options: dict[str, Any], origin: str | None) -> None:
    async with listening(**options) as address:
        own = f"http://{address}" if origin == "own" else origin
        async with dial(f"ws://{address}/ws", subprotocols=["plytalk.1"], origin=own) as client:  # type: ignore[arg-type,list-item]
            assert client.subprotocol == "plytalk.1"


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/none", 404), ("/ws/", 404)])
async def test_and_only_at_its_path(path: str, status: int) -> None:
    async with listening() as address:
        with pytest.raises(InvalidStatus) as refused:
            await dial(f"ws://{address}{path}", subprotocols=["plytalk.1"])  # type: ignore[list-item]
        assert refused.value.response.status_code == status


def test_the_limits_of_a_head_lie_within_those_of_a_handshake() -> None:
    assert Limits().handshake > web_stream.HEAD_SECONDS + web_stream.LINGER
