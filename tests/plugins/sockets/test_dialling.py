"""What transports that connect over TCP have in common: every one of them goes through a proxy where one is named."""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from certificates import Authority
from proxy_servers import PASSWORD, USER, needs_proxies, proxy
from relaying import relaying

from plytalk.core.contracts.errors import CannotConnect, UnknownPeer, Usage
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.limits import DEFAULT_LIMITS, Limits
from plytalk.core.contracts.peers import Role
from plytalk.plugins.sockets.dialling import PATIENCE, PROXY, DiallingTransport, has_password
from plytalk.plugins.transports.command import CommandTransport
from plytalk.plugins.transports.relay import RelayTransport
from plytalk.plugins.transports.tcp import Tcp
from plytalk.plugins.transports.tls import Tls
from plytalk.plugins.transports.web import Web
from plytalk.plugins.transports.ws import Ws, Wss
from plytalk.testing.transports import Receiver

SCHEMES = ("socks5h", "http")


def transports(folder: Path) -> dict[str, Callable[..., DiallingTransport]]:
    authority = Authority(folder)
    cert, key = authority.signs("server")
    secured = {"tls_cert": cert, "tls_key": key, "tls_ca": authority.file}
    return {
        "tcp": Tcp,
        "ws": Ws,
        "web": Web,
        "tls": partial(Tls, **secured),
        "wss": partial(Wss, **secured),
        "relay": partial(RelayTransport, relay_number=True),
    }


@needs_proxies
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["tcp", "ws", "web", "tls", "wss", "relay"])
async def test_every_transport_goes_through_the_proxy(name: str, scheme: str, tmp_path: Path) -> None:
    make = transports(tmp_path)[name]
    with proxy(scheme, tmp_path, password=True) as url, relaying() as (_, relay):
        listening = make(proxy=url) if name == "relay" else make()
        listener = await listening.listen(relay if name == "relay" else "localhost", 0)
        host, port = (listener.address, 0) if name == "relay" else ("localhost", int(listener.address.rpartition(":")[2]))
        with pytest.raises(CannotConnect, match="does not accept this user name and password"):
            await make(proxy=url.replace(PASSWORD, "wrong")).connect(host, port)
        client, server = await asyncio.gather(make(proxy=url).connect(host, port), listener.accept())
        heard = Receiver(server)
        client.send(b"through a proxy")
        await heard.hears(b"through a proxy", "nothing comes")
        client.close()
        server.close()
        await listener.close()


@needs_proxies
async def test_a_relay_is_held_through_the_proxy(tmp_path: Path) -> None:
    with proxy("http", tmp_path, password=True) as url, relaying() as (_, relay):
        holding = RelayTransport(relay_number=True, proxy=url.replace(PASSWORD, "wrong"))
        with pytest.raises(CannotConnect, match="does not accept this user name and password"):
            await holding.listen(relay, 0)


@pytest.mark.parametrize(
    ("url", "has"),
    [
        ("socks5h://127.0.0.1:9050", False),
        ("http://alice@proxy:3128", False),
        ("http://alice:@proxy:3128", False),
        ("http://alice:secret@proxy:3128", True),
        ("http://alice:se@cret@proxy:3128", True),
        ("alice:secret@proxy:3128", True),
        ("proxy:3128", False),
        ("http://[::1]:3128", False),
    ],
)
def test_a_password_is_seen_in_a_url_well_formed_or_not(url: str, has: bool) -> None:
    assert has_password(url) is has
    assert PROXY.has_secret is has_password


async def test_the_password_is_asked_for_where_a_user_alone_is_named() -> None:
    asked: list[str] = []

    def secret(prompt: str) -> str:
        asked.append(prompt)
        return PASSWORD

    transport = Tcp(f"http://{USER}@127.0.0.1:3128")
    for _ in range(2):
        await transport.ready(Role.INITIATOR, secret)
    assert asked == ["Password of bob at the proxy 127.0.0.1:3128: "]
    await Tcp(f"http://{USER}:{PASSWORD}@127.0.0.1:3128").ready(Role.INITIATOR, secret)
    await Tcp("http://127.0.0.1:3128").ready(Role.INITIATOR, secret)
    await Tcp().ready(Role.INITIATOR, secret)
    assert len(asked) == 1
    assert PASSWORD not in repr(vars(transport))


async def test_where_nobody_can_be_asked_it_says_where_a_password_goes() -> None:
    def nobody(prompt: str) -> str:
        raise UnknownPeer(prompt)

    with pytest.raises(Usage, match=r"needs a password, and there is no terminal") as refused:
        await Tcp(f"socks5h://{USER}@127.0.0.1:9050").ready(Role.INITIATOR, nobody)
    assert "PLYTALK_PROXY or the config file" in refused.value.sentence


async def test_without_a_proxy_it_connects_itself() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        stream = await Tcp().connect("127.0.0.1", server.getsockname()[1])
        assert server.accept()[0].close() is None
        stream.close()


def test_a_handshake_may_take_longer_through_a_proxy_and_through_a_command() -> None:
    usual = Limits(ping=7)
    assert usual.patient(Tcp().patience) is usual
    slow = usual.patient(Tcp("http://127.0.0.1:1").patience)
    assert (slow.first_byte, slow.handshake, slow.ping) == (PATIENCE, PATIENCE, 7)
    by_command = usual.patient(CommandTransport("true").patience)
    assert (by_command.first_byte, by_command.handshake) == (DEFAULT_LIMITS.person, DEFAULT_LIMITS.person)
    assert Limits(handshake=1000).patient(5).handshake == 1000


def test_both_ends_connect_to_a_relay_and_clients_alone_elsewhere() -> None:
    def role(layer: type[DiallingTransport]) -> list[Option]:
        return [option for option in layer.options if option.name == "proxy"]

    assert [option.role for option in role(RelayTransport)] == [None]
    for layer in (Tcp, Tls, Web, Ws, Wss):
        assert [option.role for option in role(layer)] == [Role.INITIATOR]


@pytest.mark.parametrize("layer", [Tcp, Tls, Ws, RelayTransport])
def test_explain_says_what_a_proxy_sees_and_what_tor_does_not_hide(layer: type[DiallingTransport]) -> None:
    assert layer.configured({}) is layer
    through = layer.configured({"proxy": "socks5h://127.0.0.1:9050"})
    assert issubclass(through, layer)
    assert through.caution.startswith(layer.caution)
    assert "proxy sees who connects to whom" in through.caution
    assert "Tor hides that; it does not hide the identity" in through.caution
    assert (through.name, through.summary()) == (layer.name, layer.summary())
