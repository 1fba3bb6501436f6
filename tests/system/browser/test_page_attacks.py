"""What attackers do to the listener of the page, over real sockets and with the program as people run it."""

import asyncio
import contextlib
import http.client
import re
import resource
import socket
from collections.abc import Iterator

import pytest
from people import environment
from programs import started
from websockets.asyncio.client import connect as dial

from plytalk.plugins.web.page_files import LATER

SILENT = 2000
OPENING = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: plytalk.1\r\n\r\n"
)
FLOODS = {
    "nothing": b"",
    "half a head": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
    "a request whose answer is not read": b"GET /files.js HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a WebSocket and no more": OPENING,
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    home = tmp_path_factory.mktemp("server")
    with started("serve", "--web", "127.0.0.1:0", "--keep", "--headless", environment=environment(home)) as server:
        found = re.search(r":(\d+)/", server.tells("Open in a browser:  "))
        assert found
        yield int(found[1])


def loads(port: int) -> None:
    """All files of the page, and then its WebSocket."""
    for name in ["", LATER]:
        asking = http.client.HTTPConnection("127.0.0.1", port, timeout=180)
        asking.request("GET", f"/{name}")
        answer = asking.getresponse()
        assert answer.status == 200
        answer.read()
        asking.close()
    asyncio.run(opens(port))


async def opens(port: int) -> None:
    async with dial(f"ws://127.0.0.1:{port}/ws", subprotocols=["plytalk.1"], origin=f"http://127.0.0.1:{port}") as client:  # type: ignore[arg-type,list-item]
        assert client.subprotocol == "plytalk.1"


@contextlib.contextmanager
def flood(port: int, says: bytes) -> Iterator[None]:
    """Many clients, of 300 addresses, that say this and then nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, SILENT + 500), hard))
    with contextlib.ExitStack() as all_of_them:
        all_of_them.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for number in range(SILENT):
            client = all_of_them.enter_context(socket.socket())
            client.bind((f"127.0.{1 + number % 100}.{1 + number % 3}", 0))
            client.connect(("127.0.0.1", port))
            with contextlib.suppress(OSError):
                client.sendall(says)
        yield


@pytest.mark.parametrize("says", FLOODS.values(), ids=FLOODS)
def test_a_crowd_that_says_little_keeps_nobody_from_the_page(says: bytes, port: int) -> None:
    with flood(port, says):
        loads(port)


@pytest.mark.parametrize("size", [10_000, 1_000_000])
def test_a_huge_head_is_refused_and_the_sender_can_read_that(size: int, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=180) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * size)
        assert b"".join(iter(lambda: client.recv(65536), b"")).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    loads(port)


def test_a_head_that_never_ends_is_refused(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=180) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_two_requests_on_one_connection_get_one_answer(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=180) as client:
        client.sendall(b"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n" + OPENING)
        client.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert b"\r\nConnection: close\r\n" in answer


def test_a_name_that_leads_here_is_refused(port: int) -> None:
    """DNS rebinding: the browser of somebody at this machine takes evil.example for this server."""
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=180)
    for path in ("/", "/ws"):
        asking.request("GET", path, headers={"Host": "evil.example", "Origin": "http://evil.example"})
        answer = asking.getresponse()
        assert answer.status == 421
        answer.read()


@pytest.mark.parametrize(
    "path", ["/../../pyproject.toml", "/page/../page_files.py", "/%2e%2e/page_files.py", "//etc/passwd", "/\\..\\x"]
)
def test_no_path_leads_to_another_file(path: str, port: int) -> None:
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=180)
    asking.request("GET", path)
    assert asking.getresponse().status == 404
