"""Proxies: microsocks and tinyproxy as they are on Debian, and proxies that misbehave."""

import asyncio
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from programs import nobody_there
from proxy_servers import PASSWORD, USER, answering, greeting, needs_proxies, proxy

from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.core.contracts.transport import Stream
from plytalk.plugins.sockets import proxies, tcp_sockets
from plytalk.plugins.sockets.proxies import ProxyServer, parse_proxy
from plytalk.testing.transports import Receiver

SCHEMES = ("socks5h", "http")


# -- the URL ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "scheme", "place", "user", "password"),
    [
        ("socks5h://127.0.0.1:9050", "socks5h", "127.0.0.1:9050", "", ""),
        ("HTTP://Proxy.Example.org:3128/", "http", "proxy.example.org:3128", "", ""),
        ("http://alice@[::1]:3128", "http", "[::1]:3128", "alice", ""),
        ("http://[fe80::1%25eth0]:3128", "http", "[fe80::1%eth0]:3128", "", ""),
        ("http://alice:a%40b%3Ac@proxy:1", "http", "proxy:1", "alice", "a@b:c"),
        ("socks5h://alice:x@proxy:1", "socks5h", "proxy:1", "alice", "x"),
    ],
)
def test_a_url_is_read(text: str, scheme: str, place: str, user: str, password: str) -> None:
    read = parse_proxy(text)
    assert (read.scheme, str(read), read.user, read.password) == (scheme, place, user, password)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("127.0.0.1:9050", "takes the URL of a proxy"),
        ("socks5h://", "takes the URL of a proxy"),
        ("http://proxy:1/path", "takes the URL of a proxy"),
        ("http://a:b@c@proxy:1", "takes the URL of a proxy"),
        ("socks5://127.0.0.1:9050", "would look up the server's name itself. Write socks5h://"),
        ("socks4a://127.0.0.1:9050", "of the kind socks4a:// is not supported"),
        ("https://proxy:1", "of the kind https:// is not supported"),
        ("http://proxy", "has no port"),
        ("http://proxy:99999", "not a port"),
        ("http://:secret@proxy:1", "a password without a user name"),
        ("http://a%3Ab:secret@proxy:1", "cannot have a colon"),
        ("socks5h://alice:secr%C3%A9t@proxy:1", "all of them ASCII"),
        (f"socks5h://alice:{'s' * 256}@proxy:1", "at most 255"),
    ],
)
def test_what_is_not_a_proxy_is_refused_without_showing_the_password(text: str, said: str) -> None:
    with pytest.raises(Usage) as refused:
        parse_proxy(text)
    assert said in refused.value.sentence
    assert "secr" not in refused.value.sentence
    assert "ss" * 20 not in refused.value.sentence


def test_a_proxy_shows_its_password_nowhere() -> None:
    assert PASSWORD not in f"{ProxyServer('http', parse_proxy('http://p:1').address, USER, PASSWORD)!r}"


# -- real proxies ----------------------------------------------------------------------------------------------------------


@needs_proxies
@pytest.mark.parametrize("password", [False, True], ids=["open", "password"])
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_bytes_go_through_a_real_proxy_both_ways(scheme: str, password: bool, tmp_path: Path) -> None:
    with proxy(scheme, tmp_path, password) as url, greeting() as port:
        stream = await proxies.connect(parse_proxy(url), "localhost", port)
        assert stream.peer == f"localhost:{port}"
        heard = Receiver(stream)
        stream.send(b"x" * 300_000)
        await heard.hears(b"hello " + b"x" * 300_000, "not all comes back")
        await closed(stream)


async def closed(stream: Stream) -> None:
    stream.close()
    await asyncio.sleep(0)  # asyncio closes the socket in its next turn


LOOKED_UP: list[object] = []
"""The hosts that this process has looked up."""


def watch(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        LOOKED_UP.append(arguments[0])


@pytest.fixture(scope="module")
def watched() -> None:
    sys.addaudithook(watch)  # which stays: there is no way to remove one


@needs_proxies
@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_the_name_of_the_server_is_looked_up_by_the_proxy_alone(scheme: str, tmp_path: Path) -> None:
    with proxy(scheme, tmp_path) as url, greeting() as port:
        LOOKED_UP.clear()
        await closed(await tcp_sockets.connect("localhost", port))
        assert "localhost" in LOOKED_UP, "a look-up would not be noticed"
        LOOKED_UP.clear()
        await closed(await proxies.connect(parse_proxy(url), "localhost", port))
        assert set(LOOKED_UP) <= {"127.0.0.1"}, "the proxy's address alone"


@needs_proxies
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_proxy_that_cannot_reach_the_server_says_so(scheme: str, tmp_path: Path) -> None:
    with proxy(scheme, tmp_path) as url, nobody_there() as port:
        with pytest.raises(CannotConnect, match=f"did not connect to localhost:{port}: "):
            await proxies.connect(parse_proxy(url), "localhost", port)
        with pytest.raises(CannotConnect, match=r"did not connect to nowhere\.invalid:1: "):
            await proxies.connect(parse_proxy(url), "nowhere.invalid", 1)


@needs_proxies
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_wrong_password_and_none_at_all_are_told_apart(scheme: str, tmp_path: Path) -> None:
    with proxy(scheme, tmp_path, password=True) as url:
        with pytest.raises(CannotConnect, match="does not accept this user name and password") as wrong:
            await proxies.connect(parse_proxy(url.replace(PASSWORD, "open-barley")), "localhost", 1)
        with pytest.raises(CannotConnect, match="wants a user name and a password") as none:
            await proxies.connect(parse_proxy(url.replace(f"{USER}:{PASSWORD}@", "")), "localhost", 1)
        assert none.value.hint == f"Write --proxy {scheme}://USER@{parse_proxy(url)}, and you are asked."
        frames = [frame for frame, _ in traceback.walk_tb(wrong.tb) if Path(frame.f_code.co_filename).name == "proxies.py"]
        assert frames
        assert "open-" not in repr([frame.f_locals for frame in frames])


# -- proxies that are none -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_nobody_is_there(scheme: str) -> None:
    with nobody_there() as port, pytest.raises(CannotConnect, match=r"proxy .*: .*[Cc]onnection refused") as refused:
        await proxies.connect(parse_proxy(f"{scheme}://127.0.0.1:{port}"), "localhost", 1)
    assert refused.value.exit_code == 3
    with pytest.raises(CannotConnect, match=r"[Nn]o address is known for"):
        await proxies.connect(parse_proxy(f"{scheme}://nowhere.invalid:1"), "localhost", 1)


@pytest.mark.parametrize(
    ("scheme", "pieces", "said"),
    [
        ("http", [b"\x05\xff"], "does not answer as an HTTP proxy does"),
        ("http", [b"SSH-2.0-OpenSSH\r\n"], "does not answer as an HTTP proxy does"),
        ("http", [], "does not answer as an HTTP proxy does"),
        ("http", [b"HTTP/1.1 okay\r\n\r\n"], "does not answer as an HTTP proxy does"),
        ("http", [b"HTTP/1.1 200 OK\r\nX: ", *(b"x" * 8192 for _ in range(3))], "does not answer as an HTTP proxy does"),
        ("http", [b"HTTP/1.1 403 \x1b[31mno\r\n\r\n"], r"did not connect to name:1: 403 "),
        ("http", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"], "wants a user name and a password"),
        ("socks5h", [b"HTTP/1.1 400 Bad request\r\n\r\n"], "does not answer as a SOCKS5 proxy does"),
        ("socks5h", [], "does not answer as a SOCKS5 proxy does"),
        ("socks5h", [b"\x05\xff"], "wants a user name and a password"),
        ("socks5h", [b"\x05\x00\x05\x02\x00\x01" + bytes(6)], "did not connect to name:1: connection not allowed by ruleset"),
        ("socks5h", [b"\x05\x00\x05\xf0\x00\x01" + bytes(6)], "does not answer as a SOCKS5 proxy does: invalid reply code: 0xf0"),
    ],
)
async def test_what_answers_in_another_way_is_said(scheme: str, pieces: list[bytes], said: str) -> None:
    with answering(*pieces) as address, pytest.raises(CannotConnect, match=said) as refused:
        await proxies.connect(parse_proxy(f"{scheme}://{address}"), "name", 1)
    assert "\x1b" not in refused.value.sentence


async def test_answers_before_the_answer_are_passed_over() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    for cut in HEADS.values():
        with answering(*cut(interim + b"HTTP/1.1 200 OK\r\n\r\n"), b"hello") as address:
            stream = await proxies.connect(parse_proxy(f"http://{address}"), "name", 1)
            await Receiver(stream).hears(b"hello", "What the server says does not arrive.")
            stream.close()


HEADS: dict[str, Callable[[bytes], list[bytes]]] = {
    "whole": lambda head: [head],
    "byte by byte": lambda head: [head[at : at + 1] for at in range(len(head))],
}


@pytest.mark.parametrize("cut", HEADS.values(), ids=list(HEADS))
async def test_what_follows_the_head_of_an_answer_is_the_servers(cut: Callable[[bytes], list[bytes]]) -> None:
    with answering(*cut(b"HTTP/1.0 200 Connection established\r\nProxy-agent: some\r\n\r\nfirst word")) as address:
        stream = await proxies.connect(parse_proxy(f"http://{address}"), "name", 1)
        heard = Receiver(stream)
        await heard.hears_the_end("no end comes")
        assert bytes(heard.came) == b"first word"
        await closed(stream)


async def test_a_proxy_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies, "SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for scheme in SCHEMES:
            with pytest.raises(CannotConnect, match=r"did not (reach name:1|answer) within 0.05 seconds"):
                await proxies.connect(parse_proxy(f"{scheme}://127.0.0.1:{port}"), "name", 1)


@pytest.mark.parametrize(
    ("scheme", "first", "again"),
    [
        ("http", b"HTTP/1.1 200 OK\r\n", b"X"),
        ("http", b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ("socks5h", b"\5\0\5\0\0\3\xff", b"x"),
    ],
    ids=["headers", "interim answers", "a name"],
)
async def test_a_proxy_whose_answer_never_ends_is_given_up(
    scheme: str, first: bytes, again: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each piece is one more sign of life: only a limit for the whole answer ends it."""
    monkeypatch.setattr(proxies, "SECONDS", 0.3)

    gone = asyncio.Event()

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(first)
            while not writer.is_closing():
                writer.write(again)
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            pass
        finally:
            writer.close()
            gone.set()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(CannotConnect, match=r"did not (reach name:1|answer) within 0.3 seconds"):
            await proxies.connect(parse_proxy(f"{scheme}://127.0.0.1:{port}"), "name", 1)
        async with asyncio.timeout(180):
            await gone.wait()  # the connection has been closed


async def test_without_the_package_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)
    with pytest.raises(Usage, match="needs the package `python-socks`"):
        await proxies.connect(parse_proxy("socks5h://127.0.0.1:1"), "name", 1)
