"""Streams over TCP (RFC 9293), IPv4 and IPv6, by address or by name: for `tcp` and for all that is built on it."""

import asyncio
import contextlib
import os
import re
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from errno import EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT
from typing import Any

from plytalk.core.contracts.errors import CannotConnect
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.contracts.shortage import shortage
from plytalk.core.io.address import EVERY_NETWORK, is_ip_address, join_address
from plytalk.core.io.asyncio_stream import AsyncioListener, AsyncioStream
from plytalk.core.io.queue_listener import BACKLOG
from plytalk.plugins.sockets.socket_transport import Acceptor

CONNECT_SECONDS = 10
RACE_SECONDS = 0.25
A_TURN = 16
"""How many peers are accepted in one turn of the event loop, so that members do not wait for a crowd of newcomers."""
REFUSED_A_TURN = 32
"""How many connections are closed in one turn of the loop because the server refuses their address."""
MAPPED = "::ffff:"
"""How a socket for both families shows a peer that came over IPv4 (RFC 4291 section 2.5.5.2)."""
NOT_HERE = (EADDRNOTAVAIL, EAFNOSUPPORT)
"""What the system says of an address, or of a whole family, that this machine does not have."""
NO_LOOKUP = (getattr(socket, "EAI_SYSTEM", None), socket.EAI_MEMORY)
"""What the resolver says where it has no file or memory for its work."""
ONION = ".onion"
"""What the names of onion services end with. They must never be looked up: RFC 7686 section 2."""
RESETS = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""The struct linger by which closing resets a connection."""
KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}  # a vanished peer is noticed within two minutes
OPTIONS = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *((socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in KEEP_ALIVE.items() if hasattr(socket, name)),
)
"""What is set for each connection."""


def set_options(sock: Any) -> None:
    """Set OPTIONS. An accepted socket has those of the listening one (accept(2); Winsock, "accept"), so it needs no call."""
    with contextlib.suppress(OSError):  # a peer that is gone already has no options left to set
        for level, option, value in OPTIONS:
            sock.setsockopt(level, option, value)


class TcpStream(AsyncioStream):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.peer = self.peer or show(transport.get_extra_info("peername"))
        super().connection_made(transport)

    def reset(self) -> None:
        sock = self._transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # of a peer that is gone
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETS)
        self.close()

    def _pending_error(self) -> int:
        return int(self._transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


class ScreeningSocket(socket.socket):
    """A listening socket that closes refused connections as it accepts them. Transports are built for the others alone."""

    refuses: Callable[[str], bool] = staticmethod(lambda peer: False)

    def accept(self) -> tuple[socket.socket, Any]:
        for _ in range(REFUSED_A_TURN):
            sock, address = super().accept()
            if not self.refuses(show(address)):
                return sock, address
            sock.close()
        raise BlockingIOError  # by which the loop goes on with its next turn


class TcpListener(AsyncioListener):
    def __init__(self) -> None:
        super().__init__()
        self._servers: list[Acceptor | asyncio.Server] = []
        self._sockets: Sequence[ScreeningSocket] = ()

    def screen(self, refuses: Callable[[str], bool]) -> None:
        for sock in self._sockets:
            sock.refuses = refuses

    def protocol(self) -> TcpStream:
        return TcpStream(self.arrive)

    async def serve(self, sockets: Sequence[ScreeningSocket]) -> None:
        """Take peers from these sockets from now on."""
        loop = asyncio.get_running_loop()
        self._sockets = sockets
        if isinstance(loop, asyncio.SelectorEventLoop):
            for sock in sockets:
                sock.listen(BACKLOG)
            self._servers += [Acceptor(sock, self.protocol, A_TURN) for sock in sockets]
        else:
            for sock in sockets:
                self._servers.append(await loop.create_server(self.protocol, sock=sock, backlog=BACKLOG))
        self.address = show(sockets[0].getsockname())

    def release(self) -> None:
        self.screen(lambda peer: False)  # what was asked leads back to the server
        for server in self._servers:
            server.close()


async def listen(host: str, port: int) -> TcpListener:
    """Listen at an address, or at all of a name that this machine has. Raises CannotConnect."""
    check_zone(host)
    try:
        places = await asyncio.get_running_loop().getaddrinfo(
            host or EVERY_NETWORK, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, ValueError) as error:  # ValueError: what can be no name at all
        raise no_address(host, error, "Listen on an address of this machine, such as 127.0.0.1.") from None
    sockets = bound(places, host, port)
    listener = TcpListener()
    try:
        await listener.serve(sockets)
    except OSError as error:
        for sock in sockets:
            sock.close()
        raise CannotConnect(f"Cannot listen on {join_address(host, port)}: {why(error)}", todo(error)) from None
    return listener


async def connect(host: str, port: int) -> TcpStream:
    """Connect to an address, or to the first of a name that answers. Raises CannotConnect."""
    check_zone(host)
    if host.endswith(ONION):
        raise CannotConnect(f"{host} is reached through Tor.", "Add --proxy socks5h://127.0.0.1:9050.")
    loop = asyncio.get_running_loop()
    name = join_address(host, port)
    # A name's addresses race for the connection (RFC 8305); uvloop knows no such race and tries them in turn.
    # A single address needs none: asyncio may leave a socket open when it is cancelled in a race.
    races = isinstance(loop, asyncio.BaseEventLoop) and not is_ip_address(host)
    race: dict[str, Any] = {"happy_eyeballs_delay": RACE_SECONDS} if races else {}
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            transport, stream = await loop.create_connection(lambda: TcpStream(name=name), host, port, **race)
            set_options(transport.get_extra_info("socket"))
    except (socket.gaierror, ValueError) as error:
        raise no_address(host, error, "Check the spelling, or give the address itself.") from None
    except TimeoutError:
        raise CannotConnect(
            f"{name} did not answer within {CONNECT_SECONDS} seconds.", "Check the address and any firewall."
        ) from None
    except OSError as error:
        raise CannotConnect(
            f"Cannot connect to {name}: {why(error)}",
            short.hint if (short := shortage(error)) else "Check that the server is running and the port is right.",
        ) from None
    return stream


def bound(places: Sequence[Any], host: str, port: int) -> list[ScreeningSocket]:
    """A socket for each address that this machine has of those a name resolves to, all with one port. Raises CannotConnect."""
    sockets: list[ScreeningSocket] = []
    error: OSError | None = None
    for family, kind, protocol, _, place in dict.fromkeys(places):
        if sockets and not port:
            place = (place[0], sockets[0].getsockname()[1], *place[2:])
        try:
            sockets.append(one_bound(family, kind, protocol, place))
        except OSError as trouble:
            error = trouble
            if trouble.errno not in NOT_HERE:
                break
    if error and (not sockets or error.errno not in NOT_HERE):
        for sock in sockets:
            sock.close()
        if host == EVERY_NETWORK and error.errno in NOT_HERE:
            raise CannotConnect("This machine has no IPv6.", "Listen on 0.0.0.0, for every IPv4 network.") from None
        raise CannotConnect(f"Cannot listen on {join_address(host, port)}: {why(error)}", todo(error)) from None
    return sockets


def one_bound(family: int, kind: int, protocol: int, place: Any) -> ScreeningSocket:
    """A socket at an address. asyncio would make `::` one for IPv6 alone; here it is for every network. Raises OSError."""
    sock = ScreeningSocket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let two programs listen at one address
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, place[0] != EVERY_NETWORK)
        sock.setblocking(False)
        set_options(sock)
        sock.bind(place)
    except OSError:
        sock.close()
        raise
    return sock


def show(address: object) -> str:
    """host:port, with brackets around an IPv6 address, its zone where it needs one, and IPv4 over IPv6 as what it is."""
    if not isinstance(address, tuple):
        return str(address or "unknown:0")
    host, port = address[:2]
    host = host.removeprefix(MAPPED) if "." in host else host
    if len(address) == 4 and address[3] and "%" not in host:
        with contextlib.suppress(OSError):
            host = f"{host}%{socket.if_indextoname(address[3])}"
    return join_address(host, port)


def check_zone(host: str) -> None:
    """Raise CannotConnect where an address names a network interface that this machine lacks: uvloop would leave it out."""
    zone = host.partition("%")[2]
    with contextlib.suppress(OSError, AttributeError):
        known = [name for _, name in socket.if_nameindex()]
        if zone and zone not in known and not zone.isdecimal():
            raise CannotConnect(f"This machine has no network interface {shorten(zone)!r}.", f"Its own are: {', '.join(known)}.")


def no_address(host: str, error: Exception, otherwise: str) -> CannotConnect:
    """Why a host has no address, and what to do."""
    if isinstance(error, socket.gaierror) and error.errno in NO_LOOKUP:
        return CannotConnect(
            f"The system could not look up {shorten(host)!r}.",
            "It may have no file or memory left for that: look at `ulimit -a`.",
        )
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return CannotConnect(f"No name server answers for {shorten(host)!r}.", "Try again, or give the address itself.")
    return CannotConnect(f"No address is known for {shorten(host)!r}.", otherwise)


def why(error: OSError) -> str:
    reasons = {
        EADDRINUSE: "the port is in use.",
        EACCES: "permission denied.",
        EADDRNOTAVAIL: "this machine has no such address.",
        EAFNOSUPPORT: "this machine has no such kind of address.",
    }
    if error.errno is None:  # asyncio tells of several addresses at once, in words only: the first speaks for all
        number = re.search(r"\[Errno (\d+)\]", str(error))
        return f"{os.strerror(int(number[1])) if number else error}.".lower()
    return reasons.get(error.errno) or f"{os.strerror(error.errno)}.".lower()


def todo(error: OSError) -> str:
    """What helps. It names no option: a place to listen is written in several, and in calls of Python."""
    if short := shortage(error):
        return short.hint
    return {
        EADDRINUSE: "Choose another port, or end the program that uses it.",
        EACCES: "Choose a port from 1024 up.",
        EADDRNOTAVAIL: "Choose an address of this machine.",
    }.get(error.errno or 0, "")
