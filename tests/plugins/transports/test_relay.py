"""The transport `relay`, through a real relay."""

from functools import partial
from pathlib import Path

import pytest
from certificates import Authority
from relaying import relaying

from plytalk.core.contracts.errors import CannotConnect, HandshakeFailed, Usage
from plytalk.core.contracts.peers import Role
from plytalk.plugins.relay.relay_server import Relay
from plytalk.plugins.transports.relay import PORT, RelayTransport, at_relay, layers
from plytalk.plugins.transports.tcp import Tcp
from plytalk.plugins.transports.ws import Ws, Wss
from plytalk.testing import check_transport
from plytalk.testing.verdict import idle
from plytalk.trust.identity import load_or_create


@pytest.mark.parametrize("by", [Tcp, Ws])
def test_it_passes_the_kit(by: type[Tcp | Ws]) -> None:
    with relaying(by=by) as (_, address):
        check_transport(lambda: RelayTransport(relay_number=True), address)


def test_a_relay_with_a_certificate_of_another_ca_passes_the_kit_where_that_is_trusted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.signs("relay")
    with relaying(by=partial(Wss, tls_cert=cert, tls_key=key)) as (_, address):
        check_transport(partial(RelayTransport, relay_number=True, tls_ca=authority.file), address)


async def test_the_certificate_of_a_relay_is_checked_at_both_ends(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.signs("relay", host="relay.example.org")
    with relaying(by=partial(Wss, tls_cert=cert, tls_key=key)) as (_, address):
        for options, why in (
            ({}, "unable to get local issuer"),
            ({"tls_ca": authority.file}, "it is not for the name '127.0.0.1'"),
        ):
            transport = RelayTransport(relay_number=True, **options)
            for attempt in (transport.listen(address, 0), transport.connect(f"412@{address}", 0)):
                with pytest.raises(HandshakeFailed, match=why):
                    await attempt
        transport = RelayTransport(relay_number=True, tls_ca=authority.file, tls_name="relay.example.org")
        await (await transport.listen(address, 0)).close()
        await idle()  # until all sockets are closed


async def test_a_number_is_held_with_a_key_where_only_listed_keys_may(tmp_path: Path) -> None:
    own, _ = load_or_create(tmp_path / "key", str)
    with relaying(allowed={own.public.fingerprint}) as (relay, address):
        without = RelayTransport(relay_number=True)
        assert await without.ready(Role.RESPONDER, str) == ()
        with pytest.raises(CannotConnect, match="gives numbers only to listed keys"):
            await without.listen(address, 0)
        with_key = RelayTransport(relay_number=True, relay_key=tmp_path / "key")
        await with_key.ready(Role.RESPONDER, str)
        listener = await with_key.listen(address, 0)
        name = listener.address.partition("@")[0]
        assert (name.isdigit(), [*relay.holders]) == (True, [name])
        await listener.close()
        await idle()


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [RelayTransport]


def test_a_relay_has_a_port_of_its_own() -> None:
    assert str(at_relay("relay.example.org")) == f"relay.example.org:{PORT}"
    assert str(at_relay("relay.example.org:443")) == "relay.example.org:443"
    assert str(at_relay("WSS://relay.example.org/")) == "wss://relay.example.org"
    assert str(at_relay("ws://relay.example.org:8080/r")) == "ws://relay.example.org:8080/r"


async def test_a_key_holds_its_name(tmp_path: Path) -> None:
    with relaying() as (_, address):
        transport = RelayTransport(relay_key=tmp_path / "key")
        [told] = await transport.ready(Role.RESPONDER, str)
        listener = await transport.listen(address, 0)
        name = listener.address.partition("@")[0]
        assert name in told
        client = await RelayTransport().connect(listener.address, 0)
        server = await listener.accept()
        client.close()
        server.close()
        await listener.close()


async def test_a_key_that_the_relay_does_not_admit_is_told(tmp_path: Path) -> None:
    with relaying(allowed=()) as (relay, address):
        transport = RelayTransport(relay_key=tmp_path / "key")
        await transport.ready(Role.RESPONDER, str)
        with pytest.raises(CannotConnect, match="does not admit this key"):
            await transport.listen(address, 0)
        assert isinstance(relay, Relay)


async def test_a_relay_that_is_not_there_is_not_taken_for_the_server(tmp_path: Path) -> None:
    with pytest.raises(CannotConnect) as caught:
        await RelayTransport().connect("412@127.0.0.1:1", 0)
    assert caught.value.sentence == (
        "The relay 127.0.0.1:1 cannot be reached. Cannot connect to 127.0.0.1:1: connection refused. "
        "Check its address, and that it runs."
    )


async def test_nobody_is_there() -> None:
    with relaying() as (_, address), pytest.raises(CannotConnect, match="knows nobody of that name"):
        await RelayTransport().connect(f"412@{address}", 0)


@pytest.mark.parametrize("written", ["relay.example.org", "@relay.example.org", "x" * 65 + "@relay", "é@relay"])
async def test_an_address_without_a_name_is_refused(written: str) -> None:
    with pytest.raises(Usage, match="is not NAME@RELAY"):
        await RelayTransport().connect(written, 0)
