"""The transport `web`: where it listens, and the page and WebSocket behind one address."""

import asyncio
import ssl
from pathlib import Path

import pytest
from certificates import Authority

from plytalk.core.contracts.errors import Answered, Usage
from plytalk.core.contracts.optional import Opens, ServesPage
from plytalk.plugins.transports.web import Web, layers
from plytalk.testing import check_transport
from plytalk.testing.transports import Receiver


def test_it_passes_the_kit() -> None:
    check_transport(Web)


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Web]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "chat.example.org"])
async def test_elsewhere_it_wants_tls_or_a_proxy_and_says_so(host: str) -> None:
    with pytest.raises(Usage, match="only by TLS") as refused:
        await Web().listen(host, 0)
    for what_to_do in ("--tls-cert", "--trusted-proxy", "127.0.0.1"):
        assert what_to_do in refused.value.sentence


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_on_this_machine_it_wants_nothing(host: str) -> None:
    await (await Web().listen(host, 0)).close()


async def test_elsewhere_it_listens_for_a_proxy_that_is_named() -> None:
    await (await Web(trusted_proxy="10.0.0.1").listen("0.0.0.0", 0)).close()


async def test_half_a_certificate_is_refused(tmp_path: Path) -> None:
    cert, _ = Authority(tmp_path).signs("server")
    with pytest.raises(Usage, match="needs a certificate and its key"):
        await Web(tls_cert=cert).listen("0.0.0.0", 0)


async def test_in_tls_it_serves_the_page_and_a_conversation(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.signs("server")
    transport = Web(tls_cert=cert, tls_key=key, tls_ca=authority.file)
    listener = await transport.listen("127.0.0.1", 0)
    port = int(listener.address.rpartition(":")[2])
    accepting = asyncio.create_task(listener.accept())
    context = ssl.create_default_context(cafile=authority.file)
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    writer.write(b"GET / HTTP/1.1\r\nHost: chat.example.org\r\n\r\n")
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"</script>\n")
    writer.close()
    browser = await accepting
    assert isinstance(browser, Opens)
    with pytest.raises(Answered):
        await browser.opened()
    browser.close()
    await listener.close()


async def test_it_is_reached_by_the_address_of_its_socket() -> None:
    transport = Web()
    listener = await transport.listen("127.0.0.1", 0)
    host, _, port = listener.address.rpartition(":")
    accepting = asyncio.create_task(listener.accept())
    client = await transport.connect(host, int(port))
    server = await accepting
    heard = Receiver(server)
    client.send(b"hello")
    await heard.hears(b"hello", "it does not arrive")
    client.close()
    server.close()
    await listener.close()


def test_it_says_where_the_page_and_the_socket_are(tmp_path: Path) -> None:
    plain, secure = Web(), Web(tls_cert=tmp_path, tls_key=tmp_path)
    assert isinstance(plain, ServesPage)
    assert plain.urls_at("127.0.0.1:80") == ("http://127.0.0.1:80/", "ws://127.0.0.1:80/ws")
    assert secure.urls_at("[::1]:443") == ("https://[::1]:443/", "wss://[::1]:443/ws")
