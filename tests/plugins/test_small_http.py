"""The small HTTP server: one small GET request on a connection. More of it is tested through the metrics."""

import asyncio
from http import HTTPStatus

import pytest

from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.core.io.address import Address
from plytalk.plugins.small_http import MOST, HttpAnswer, HttpRequest, HttpServer, listen_address, source_hash

ASKED: list[HttpRequest] = []


def give(request: HttpRequest) -> HttpAnswer:
    ASKED.append(request)
    if request.path == "/none":
        return HttpAnswer(HTTPStatus.NOT_FOUND, "none")
    return HttpAnswer(HTTPStatus.OK, "héllo", headers={"X-More": "1"})


async def asked(port: int, request: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return answer


async def answers(*requests: bytes) -> list[str]:
    server = HttpServer(give)
    _, port = await server.listen("--page", Address("127.0.0.1", 0))
    try:
        return [await asked(port, request) for request in requests]
    finally:
        server.close()


def test_a_request_is_answered_with_its_path_and_name() -> None:
    [answer] = asyncio.run(answers(b"GET /a/b?c HTTP/1.1\r\nhost: localhost:80 \r\n\r\n"))
    assert ASKED[-1] == HttpRequest("/a/b", "localhost:80")
    head, _, body = answer.partition("\r\n\r\n")
    assert head.split("\r\n") == [
        "HTTP/1.1 200 OK",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Length: 6",
        "X-More: 1",
        "Connection: close",
    ]
    assert body == "héllo"


def test_an_answer_of_bytes_is_sent_as_it_is() -> None:
    assert HttpAnswer(HTTPStatus.OK, b"\xff").encoded().endswith(b"\r\nContent-Length: 1\r\nConnection: close\r\n\r\n\xff")


def test_the_hash_for_a_policy_is_that_of_the_standard() -> None:
    """The example of CSP Level 3, section 8.2."""
    assert source_hash("alert('Hello, world.');") == "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="


def test_what_is_no_small_get_request_is_told_so() -> None:
    requests = {
        b"GET / HTTP/1.1\n\n": "200",
        b"POST / HTTP/1.1\r\n\r\n": "405",
        b"POST /none HTTP/1.1\r\n\r\n": "404",
        b"GET none HTTP/1.1\r\n\r\n": "400",
        b"\0\xff\r\n\r\n": "400",
        b"GET /" + b"a" * 9000: "431",
    }
    for answer, status in zip(asyncio.run(answers(*requests)), requests.values(), strict=True):
        assert answer.startswith(f"HTTP/1.1 {status} ")


def test_where_it_cannot_listen_it_says_why() -> None:
    async def twice() -> None:
        server = HttpServer(give)
        _, port = await server.listen("--page", Address("127.0.0.1", 0))
        try:
            with pytest.raises(CannotConnect, match=r"Cannot serve --page at 127.0.0.1:\d+: address already in use"):
                await HttpServer(give).listen("--page", Address("127.0.0.1", port))
            with pytest.raises(CannotConnect, match="no such address"):
                await HttpServer(give).listen("--page", Address("nothing.invalid", 1))
        finally:
            server.close()

    asyncio.run(twice())


def test_a_crowd_that_asks_nothing_keeps_nobody_out() -> None:
    async def crowd() -> tuple[str, bytes, int]:
        server = HttpServer(give)
        _, port = await server.listen("--page", Address("127.0.0.1", 0))
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST)]
        while len(server.asking) < MOST:  # noqa: ASYNC110  # what is waited for happens in the loop
            await asyncio.sleep(0)
        try:
            answer = await asked(port, b"GET /a HTTP/1.1\r\n\r\n")
            return answer, await read_to_end(held[0][0]), len(server.asking)
        finally:
            server.close()
            for _, writer in held:
                writer.close()

    answer, oldest, asking = asyncio.run(crowd())
    assert answer.startswith("HTTP/1.1 200 OK")
    assert oldest == b""
    assert asking < MOST


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    """What comes before the other side has closed or reset the connection."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


def test_an_answer_that_fails_is_answered_too(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(request: HttpRequest) -> HttpAnswer:
        raise ZeroDivisionError

    async def once() -> str:
        server = HttpServer(fail)
        _, port = await server.listen("--page", Address("127.0.0.1", 0))
        try:
            return await asked(port, b"GET / HTTP/1.1\r\n\r\n")
        finally:
            server.close()

    assert asyncio.run(once()).startswith("HTTP/1.1 500 Internal Server Error")
    assert not capsys.readouterr().err


@pytest.mark.parametrize("given", ["nowhere", "127.0.0.1", "127.0.0.1:x", "", "a b:1"])
def test_an_address_has_a_port(given: str) -> None:
    with pytest.raises(Usage, match="is not HOST:PORT") as refused:
        listen_address("--page", given, 7592)
    assert "127.0.0.1:7592" in refused.value.sentence


def test_an_address_is_read() -> None:
    assert listen_address("--page", "[::1]:80", 1) == Address("::1", 80)
