"""Sockets of TCP over IPv4 and IPv6, as the transport `tcp` uses them."""

import asyncio
import errno
import gc
import os
import socket
import struct
import sys

import pytest
from loopback import needs_ipv6

from plytalk.core.contracts.errors import CannotConnect
from plytalk.plugins.sockets import tcp_sockets
from plytalk.plugins.sockets.tcp_sockets import A_TURN, KEEP_ALIVE, REFUSED_A_TURN, show, todo, why
from plytalk.plugins.transports.tcp import Tcp
from plytalk.testing.transports import Receiver, TransportBed
from plytalk.testing.verdict import idle


async def pair(place: TransportBed):
    listener = await place.listen()
    streams = await place.pair(listener)
    await listener.close()
    return streams


async def test_both_ends_send_at_once_and_notice_a_peer_that_vanished() -> None:
    for stream in (streams := await pair(TransportBed(Tcp, "127.0.0.1", 0))):
        sock = stream._transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        for name, value in KEEP_ALIVE.items():
            if hasattr(socket, name):
                assert sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) == value
    for stream in streams:
        stream.close()


async def test_the_client_s_peer_is_what_it_asked_for_and_the_server_s_where_it_came_from() -> None:
    place = TransportBed(Tcp, "127.0.0.1", 0)
    listener = await place.listen()
    client, server = await place.pair(listener)
    assert client.peer == listener.address
    host, _, port = server.peer.rpartition(":")
    assert host == "127.0.0.1"
    assert int(port) == client._transport.get_extra_info("sockname")[1]
    client.close()
    server.close()
    await listener.close()


async def test_a_name_is_as_good_as_an_address() -> None:
    tcp = Tcp()
    listener = await tcp.listen("127.0.0.1", 0)
    stream = await tcp.connect("localhost", int(listener.address.rpartition(":")[2]))
    assert stream.peer.startswith("localhost:")
    stream.close()
    await listener.close()


async def test_a_reset_is_told_as_a_fault() -> None:
    client, server = await pair(TransportBed(Tcp, "127.0.0.1", 0))
    heard = Receiver(server)
    client.reset()
    client.close()
    await heard.hears_the_end("no end came")
    [error] = heard.ends
    assert isinstance(error, ConnectionResetError)
    server.finish()
    server.send(b"to nobody")
    server.close()


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 70, "nul\0byte", "."])
async def test_a_name_that_nobody_knows_is_said_in_words(host: str) -> None:
    for attempt in (Tcp().connect, Tcp().listen):
        with pytest.raises(CannotConnect) as failure:
            await attempt(host, 1)
        assert failure.value.exit_code == 3
        assert failure.value.hint
        assert failure.value.sentence.isprintable()


async def test_a_port_in_use_is_said_in_words() -> None:
    listener = await Tcp().listen("127.0.0.1", 0)
    port = int(listener.address.rpartition(":")[2])
    with pytest.raises(CannotConnect) as failure:
        await Tcp().listen("127.0.0.1", port)
    assert failure.value.sentence == (
        f"Cannot listen on 127.0.0.1:{port}: the port is in use. Choose another port, or end the program that uses it."
    )
    await listener.close()


async def test_an_address_of_another_machine_is_said_in_words() -> None:
    with pytest.raises(CannotConnect, match="this machine has no such address"):
        await Tcp().listen("192.0.2.1", 0)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a user who may not use every port")
async def test_a_port_that_is_not_ours_is_said_in_words() -> None:
    with pytest.raises(CannotConnect, match="permission denied"):
        await Tcp().listen("127.0.0.1", 1)


async def test_nobody_there_is_said_in_words() -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else gets this port meanwhile
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(CannotConnect) as failure:
                await Tcp().connect(host, port)
            assert failure.value.sentence == (
                f"Cannot connect to {host}:{port}: connection refused. Check that the server is running and the port is right."
            )


@pytest.mark.skipif(sys.platform == "win32", reason="the loop of Windows accepts in another way")
async def test_a_crowd_is_let_in_by_and_by_and_waits_in_the_system_meanwhile() -> None:
    crowd = 10 * A_TURN
    listener = await Tcp().listen("127.0.0.1", 0)
    port = int(listener.address.rpartition(":")[2])
    peers = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(crowd)]  # the loop does not run meanwhile
    came: list[object] = []
    listener.arrive = came.append  # type: ignore[attr-defined]
    most = 0
    while len(came) < crowd:
        before = len(came)
        await asyncio.sleep(0)
        most = max(most, len(came) - before)
    assert most <= A_TURN
    for stream in came:
        stream.close()  # type: ignore[attr-defined]
    for peer in peers:
        peer.close()
    await listener.close()


@pytest.mark.skipif(sys.platform == "win32", reason="the loop of Windows accepts in another way")
async def test_refused_connections_are_closed_before_anything_is_built_and_in_small_numbers() -> None:
    crowd = 3 * REFUSED_A_TURN
    listener = await Tcp().listen("127.0.0.1", 0)
    port = int(listener.address.rpartition(":")[2])
    asked: list[str] = []

    def refuses(peer: str) -> bool:
        asked.append(peer)
        return not peer.startswith("127.0.0.3:")

    listener.screen(refuses)
    peers = [socket.create_connection(("127.0.0.1", port), 5, ("127.0.0.2", 0)) for _ in range(crowd)]
    welcome = socket.create_connection(("127.0.0.1", port), 5, ("127.0.0.3", 0))
    accepting = asyncio.create_task(listener.accept())
    most = 0
    while not accepting.done():
        before = len(asked)
        await asyncio.sleep(0)
        most = max(most, len(asked) - before)
    stream = accepting.result()
    assert stream.peer == show(welcome.getsockname())
    assert asked == [show(peer.getsockname()) for peer in (*peers, welcome)]
    assert most <= REFUSED_A_TURN
    assert [peer.recv(1) for peer in peers] == [b""] * crowd
    stream.close()
    for peer in (*peers, welcome):
        peer.close()
    await listener.close()


async def test_a_peer_that_goes_before_it_was_looked_at_is_no_crash() -> None:
    listener = await Tcp().listen("127.0.0.1", 0)
    host, _, port = listener.address.rpartition(":")
    with socket.create_connection((host, int(port))) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream = await listener.accept()
    heard = Receiver(stream)
    await heard.hears_the_end("no end came")
    stream.close()
    await listener.close()
    await idle()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (("127.0.0.1", 8000), "127.0.0.1:8000"),
        (("::1", 8000, 0, 0), "[::1]:8000"),
        (None, "unknown:0"),
        ("", "unknown:0"),  # with a port, or it would pass for this machine
        ("/run/chat.sock", "/run/chat.sock"),
    ],
)
def test_how_an_address_is_shown(address: object, shown: str) -> None:
    assert show(address) == shown


@pytest.mark.parametrize(
    ("error", "words", "hint"),
    [
        (OSError(errno.EADDRINUSE, "x"), "the port is in use.", "another port"),
        (OSError(errno.EACCES, "x"), "permission denied.", "1024"),
        (OSError(errno.EADDRNOTAVAIL, "x"), "this machine has no such address.", "an address of this machine"),
        (OSError(errno.ECONNREFUSED, "x"), "connection refused.", ""),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1, 0, 0), [Errno 111] y"),
            "connection refused.",
            "",
        ),
        (OSError("something new"), "something new.", ""),
    ],
)
def test_what_the_system_says_is_said_in_words(error: OSError, words: str, hint: str) -> None:
    assert why(error) == words
    assert hint in todo(error)


async def test_every_network_is_both_address_families_and_one_that_comes_over_ipv4_has_its_own_address() -> None:
    for every in ("::", ""):
        listener = await Tcp().listen(every, 0)
        port = int(listener.address.rpartition(":")[2])
        for host, seen in (("127.0.0.1", "127.0.0.1:"), ("::1", "[::1]:")):
            client = await Tcp().connect(host, port)
            server = await listener.accept()
            assert server.peer.startswith(seen)
            client.close()
            server.close()
        await listener.close()


@needs_ipv6
async def test_an_ipv6_address_is_for_ipv6_alone() -> None:
    listener = await Tcp().listen("::1", 0)
    with pytest.raises(CannotConnect, match="connection refused"):
        await Tcp().connect("127.0.0.1", int(listener.address.rpartition(":")[2]))
    await listener.close()


async def test_a_name_of_several_addresses_has_one_port_and_needs_only_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    async def several(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, 0))
            for host in ("192.0.2.1", "127.0.0.1", "127.0.0.2", "127.0.0.1")
        ]

    with monkeypatch.context() as patch:
        patch.setattr(asyncio.get_running_loop(), "getaddrinfo", several)
        listener = await Tcp().listen("a-name", 0)
    assert listener.address.startswith("127.0.0.1:")
    port = int(listener.address.removeprefix("127.0.0.1:"))
    for host in ("127.0.0.1", "127.0.0.2"):
        stream = await Tcp().connect(host, port)
        stream.close()
        (await listener.accept()).close()
    await listener.close()


async def test_without_ipv6_every_network_is_said_to_be_that_of_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(family: int, *_: object) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr("plytalk.plugins.sockets.tcp_sockets.one_bound", none)
    with pytest.raises(CannotConnect, match="This machine has no IPv6") as failure:
        await Tcp().listen("::", 0)
    assert failure.value.hint == "Listen on 0.0.0.0, for every IPv4 network."


async def test_a_port_taken_on_one_of_the_addresses_is_said_and_nothing_stays_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.2", 0)) as taken:
        port = taken.getsockname()[1]

        async def several(*_: object, **__: object) -> list[tuple[object, ...]]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port)) for host in ("127.0.0.1", "127.0.0.2")]

        with monkeypatch.context() as patch:
            patch.setattr(asyncio.get_running_loop(), "getaddrinfo", several)
            with pytest.raises(CannotConnect, match=f"Cannot listen on a-name:{port}: the port is in use"):
                await Tcp().listen("a-name", port)
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_zone_is_shown_and_one_that_is_not_here_explained() -> None:
    index, name = socket.if_nameindex()[0]
    assert show(("fe80::1", 7591, 0, index)) == f"[fe80::1%{name}]:7591"
    assert show(("fe80::1%eth7", 7591, 0, index)) == "[fe80::1%eth7]:7591"
    assert show(("::1", 7591, 0, 0)) == "[::1]:7591"
    assert show(("::ffff:192.0.2.7", 7591, 0, 0)) == "192.0.2.7:7591"


async def test_an_interface_that_this_machine_does_not_have() -> None:
    for attempt in (Tcp().connect, Tcp().listen):
        with pytest.raises(CannotConnect, match="This machine has no network interface 'nosuch'") as failure:
            await attempt("fe80::1%nosuch", 1)
        assert socket.if_nameindex()[0][1] in failure.value.hint


async def test_a_peer_that_closes_without_reading_what_comes_behind_its_end_is_noticed() -> None:
    """Its system answers with a reset, which asyncio does not see any more once the end has been read."""
    ours, theirs = await pair(TransportBed(Tcp, "127.0.0.1", 0))
    over = Receiver(ours)
    theirs.close()
    await over.hears_the_end("no end came")
    ours.send(b"to nobody")
    while over.ends == [None]:
        assert ours.undelivered >= 0
        await asyncio.sleep(0)
    assert isinstance(over.ends[1], OSError)
    ours.close()


async def test_the_name_of_an_onion_service_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*arguments: object, **options: object) -> None:
        raise AssertionError(f"looked up: {arguments}")

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    with pytest.raises(CannotConnect, match=r"is reached through Tor\.") as refused:
        await tcp_sockets.connect(f"{'a' * 56}.onion", 80)
    assert "socks5h://127.0.0.1:9050" in refused.value.hint


def test_a_socket_whose_peer_is_gone_already_is_no_error_when_its_options_are_set() -> None:
    sock = socket.socket()
    sock.close()
    tcp_sockets.set_options(sock)
    assert sock.fileno() == -1


async def test_a_connection_that_is_cancelled_leaves_no_socket(recwarn: pytest.WarningsRecorder) -> None:
    listener = await Tcp().listen("127.0.0.1", 0)
    port = int(listener.address.rpartition(":")[2])
    for turns in range(20):
        dialling = asyncio.create_task(tcp_sockets.connect("127.0.0.1", port))
        for _ in range(turns):
            await asyncio.sleep(0)
        dialling.cancel()
        for stream in await asyncio.gather(dialling, return_exceptions=True):
            if not isinstance(stream, BaseException):
                stream.close()
        del dialling
        gc.collect()
    await listener.close()
    await idle()
    assert not [str(one.message) for one in recwarn if "unclosed" in str(one.message)]
