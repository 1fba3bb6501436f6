"""TCP over IPv4 and IPv6 (RFC 9293), by address or by name."""

import asyncio
import contextlib
import os
import re
import socket
from errno import EACCES, EADDRINUSE, EADDRNOTAVAIL
from typing import Any

from plytalk.core.arrivals import BACKLOG
from plytalk.core.errors import CannotConnect
from plytalk.core.hookspecs import hookimpl
from plytalk.core.layers import Listener, Stream, Transport
from plytalk.core.streams import AsyncioListener, AsyncioStream

CONNECT_SECONDS = 10
RACE_SECONDS = 0.25
A_TURN = 16
"""How many peers asyncio accepts in one turn of its loop: a crowd at the door must not keep waiting those who are in."""
KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}  # a vanished peer is noticed within two minutes


class TcpStream(AsyncioStream):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        sock = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # a peer that is gone already has no options left to set
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in KEEP_ALIVE.items():
                if hasattr(socket, name):
                    sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self.peer = self.peer or show(transport.get_extra_info("peername"))
        super().connection_made(transport)


class TcpListener(AsyncioListener):
    def protocol(self) -> TcpStream:
        return TcpStream(self.arrive)


class Tcp(Transport):
    """TCP over IPv4 and IPv6."""

    name = "tcp"

    async def listen(self, host: str, port: int) -> Listener:
        listener = TcpListener()
        loop = asyncio.get_running_loop()
        ours = isinstance(loop, asyncio.SelectorEventLoop)
        try:
            server = await loop.create_server(listener.protocol, host or None, port, backlog=A_TURN if ours else BACKLOG)
        except (socket.gaierror, ValueError):  # ValueError: what can be no name at all
            raise CannotConnect(
                f"No address is known for {host!r}.", "Listen on an address of this machine, such as 127.0.0.1."
            ) from None
        except OSError as error:
            raise CannotConnect(f"Cannot listen on {show((host, port))}: {why(error)}", todo(error)) from None
        for sock in server.sockets if ours else ():
            with sock.dup() as same:  # to asyncio both are one number; the system may well let more of them wait
                same.listen(BACKLOG)
        listener.start(server, show(server.sockets[0].getsockname()))
        return listener

    async def connect(self, host: str, port: int) -> Stream:
        loop = asyncio.get_running_loop()
        name = show((host, port))
        # A name's addresses race for the connection (RFC 8305); uvloop knows no such race and tries them in turn.
        race: dict[str, Any] = {"happy_eyeballs_delay": RACE_SECONDS} if isinstance(loop, asyncio.BaseEventLoop) else {}
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, stream = await loop.create_connection(lambda: TcpStream(name=name), host, port, **race)
        except (socket.gaierror, ValueError):
            raise CannotConnect(f"No address is known for {host!r}.", "Check the spelling, or give the address itself.") from None
        except TimeoutError:
            raise CannotConnect(
                f"{name} did not answer within {CONNECT_SECONDS} seconds.", "Check the address and any firewall."
            ) from None
        except OSError as error:
            raise CannotConnect(
                f"Cannot connect to {name}: {why(error)}", "Check that the server is running and the port is right."
            ) from None
        return stream


def show(address: object) -> str:
    """host:port, with brackets around an IPv6 address."""
    if not isinstance(address, tuple):
        return str(address or "unknown:0")
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def why(error: OSError) -> str:
    reasons = {
        EADDRINUSE: "the port is in use.",
        EACCES: "permission denied.",
        EADDRNOTAVAIL: "this machine has no such address.",
    }
    if error.errno is None:  # asyncio tells of several addresses at once, in words only: the first speaks for all
        number = re.search(r"\[Errno (\d+)\]", str(error))
        return f"{os.strerror(int(number[1])) if number else error}.".lower()
    return reasons.get(error.errno) or f"{os.strerror(error.errno)}.".lower()


def todo(error: OSError) -> str:
    return {
        EADDRINUSE: "Choose another with --port, or end the program that uses it.",
        EACCES: "Choose a port from 1024 up with --port.",
        EADDRNOTAVAIL: "Choose an address of this machine with --host.",
    }.get(error.errno or 0, "")


@hookimpl
def layers() -> list[type[Tcp]]:
    return [Tcp]
