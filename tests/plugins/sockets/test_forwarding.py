"""Peers behind another program: whose they are, and that they never count as being on this machine."""

import socket

import pytest

from plytalk.core.contracts.errors import HandshakeFailed, Usage
from plytalk.core.endpoints.admission import source_of
from plytalk.core.io.address import is_local
from plytalk.plugins.sockets.forwarding import MAX_LINE, ForwardedListener, ProxyLine, is_among, networks, proxied
from plytalk.plugins.transports.tcp import Tcp
from plytalk.testing.transports import Receiver


@pytest.mark.parametrize(
    ("forwarded", "peer"),
    [
        ("203.0.113.7", "203.0.113.7:4711"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7:4711"),
        ("2001:db8::7", "[2001:db8::7]:4711"),
        ("[2001:db8::7]:99", "[2001:db8::7]:4711"),
        ("203.0.113.7:99", "203.0.113.7:4711"),
        ("fc00:dead:beef:4dad::ffff:1", "proxied-circuit-ffff0001:4711"),
        ("127.0.0.1", "proxied-127.0.0.1:4711"),
        ("::1", "proxied-[::1]:4711"),
        ("", "proxied-127.0.0.1-4711:4711"),
        ("203.0.113.7, unknown", "proxied-127.0.0.1-4711:4711"),
        ("/run/socket", "proxied-127.0.0.1-4711:4711"),
    ],
)
def test_a_peer_behind_a_proxy_is_the_rightmost_and_never_of_this_machine(forwarded: str, peer: str) -> None:
    assert proxied("127.0.0.1:4711", forwarded) == peer
    assert not is_local(peer)


def test_addresses_are_read_and_found() -> None:
    assert networks("127.0.0.1, 10.0.0.0/8,::1", "forwarder") == ["127.0.0.1", "10.0.0.0/8", "::1"]
    assert networks(None, "forwarder") == []
    with pytest.raises(Usage, match="--forwarder takes addresses, and 'nginx' is none"):
        networks("nginx", "forwarder")
    assert is_among("10.9.8.7:1", ["127.0.0.1", "10.0.0.0/8"])
    assert is_among("[::1]:1", ["::1"])
    assert not is_among("127.0.0.2:1", ["127.0.0.1", "::1"])
    assert not is_among("/run/socket", ["127.0.0.1"])


def test_circuits_are_counted_apart() -> None:
    one, other = (proxied("127.0.0.1:1", f"fc00:dead:beef:4dad::0:{number}") for number in (1, 2))
    assert source_of(one) != source_of(other)
    assert source_of(one) == source_of(proxied("127.0.0.1:2", "fc00:dead:beef:4dad::0:1"))


async def arrived(*sent: bytes, **options: object) -> tuple[str, bytes]:
    """Whom a server sees that is sent this through a forwarder at 127.0.0.1, and what it reads."""
    listener = await Tcp(**options).listen("127.0.0.1", 0)  # type: ignore[arg-type]
    try:
        with socket.create_connection(("127.0.0.1", int(listener.address.rpartition(":")[2]))) as client:
            stream = await listener.accept()
            heard = Receiver(stream)
            for piece in sent:
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
            if isinstance(stream, ProxyLine):
                await stream.opened()
            await heard.hears_the_end("no end comes")
            stream.close()
            return stream.peer.rpartition(":")[0], bytes(heard.came)
    finally:
        await listener.close()


async def test_a_peer_of_a_silent_forwarder_counts_for_itself() -> None:
    first, heard = await arrived(b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\nhello", forwarder="127.0.0.1")
    assert first.startswith("proxied-127.0.0.1-")
    assert heard.endswith(b"hello"), "a line that nobody asked for is not believed"
    assert heard.startswith(b"PROXY")
    second, _ = await arrived(b"hello", forwarder="127.0.0.1")
    assert first != second


async def test_peers_from_elsewhere_are_who_they_are() -> None:
    assert await arrived(b"hello", forwarder="10.0.0.1") == ("127.0.0.1", b"hello")
    line = b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n"
    assert await arrived(line, forwarder="10.0.0.1", proxy_line=True) == ("127.0.0.1", line)


LINES = {
    b"PROXY TCP4 203.0.113.7 192.0.2.1 56324 443\r\n": "203.0.113.7",
    b"PROXY TCP6 2001:db8::7 ::1 56324 443\r\n": "[2001:db8::7]",
    b"PROXY TCP6 fc00:dead:beef:4dad::ffff:5 ::1 65535 42\r\n": "proxied-circuit-ffff0005",
    b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n": "proxied-127.0.0.1",
}


@pytest.mark.parametrize("cut", [1, 5, 1000])
@pytest.mark.parametrize("line", list(LINES))
async def test_a_line_says_whose_a_connection_is(line: bytes, cut: int) -> None:
    whole = line + b"hello"
    pieces = [whole[at : at + cut] for at in range(0, len(whole), cut)]
    assert await arrived(*pieces, forwarder="127.0.0.1", proxy_line=True) == (LINES[line], b"hello")


async def test_a_line_without_an_address_leaves_each_for_itself() -> None:
    peer, heard = await arrived(b"PROXY UNKNOWN\r\nhello", forwarder="127.0.0.1", proxy_line=True)
    assert peer.startswith("proxied-127.0.0.1-")
    assert heard == b"hello"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"hello", "does not begin with a PROXY line"),
        (b"PROXY " + b"1" * MAX_LINE, "does not begin with a PROXY line"),
        (b"PROXY TCP4 nobody 1.2.3.4 1 2\r\n", "malformed"),
        (b"PROXY TCP4 1.2.3.4\r\n", "malformed"),
        (b"PROXY", "closed the connection instead of speaking the PROXY protocol"),
    ],
)
async def test_what_is_no_such_line_ends_the_connection(sent: bytes, said: str) -> None:
    with pytest.raises(HandshakeFailed, match=said):
        await arrived(sent, forwarder="127.0.0.1", proxy_line=True)


async def test_a_line_without_a_forwarder_is_refused() -> None:
    with pytest.raises(Usage, match="--proxy-line needs --forwarder"):
        Tcp(proxy_line=True)
    transport = Tcp(forwarder="127.0.0.1")
    assert transport.patience
    listener = await transport.listen("127.0.0.1", 0)
    assert isinstance(listener, ForwardedListener)
    await listener.close()
