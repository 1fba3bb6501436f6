"""WebSocket over TCP (RFC 6455): for networks that let only the web through, behind web servers, and for pages.

What a message is, and how an end is said, is in plugins/sockets/web_socket.py.
"""

import ssl
from collections.abc import Sequence
from ipaddress import ip_network
from types import ModuleType
from typing import Any, ClassVar

from plytalk.core.bases.filter_stream import FilterListener, FilterStream, opened_client
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.core.io.address import join_address
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.sockets import tcp_sockets
from plytalk.plugins.sockets.tls_stream import CAUTION, COVERS, OPTIONS, TlsFiles, TlsStream

OPEN_SECONDS = 10
PING = 20
ORIGIN = Option(
    "origin", "Origins of web pages that may connect, with commas between them.", metavar="ORIGIN,...", role=Role.RESPONDER
)
PROXY = Option(
    "trusted-proxy",
    "Addresses of web servers in front of this one: the last X-Forwarded-For entry that they send is the peer's address.",
    metavar="ADDRESS,...",
    role=Role.RESPONDER,
)
PINGS = Option(
    "ws-ping", f"Seconds after which the server pings (default {PING}; 0: never).", int, PING, "SECONDS", role=Role.RESPONDER
)
PATH = Option("ws-path", "The path to ask for (default /).", metavar="PATH", role=Role.INITIATOR)


class Ws(Transport):
    """WebSocket: through proxies and web servers, and for web pages."""

    name = "ws"
    options: ClassVar[Sequence[Option]] = (ORIGIN, PROXY, PINGS, PATH)
    caution = (
        "a web server or proxy on the way sees addresses, times and sizes; it sees what is said only where the layers above it "
        "keep nothing secret."
    )

    def __init__(
        self, origin: str | None = None, trusted_proxy: str | None = None, ws_ping: int = PING, ws_path: str = "/"
    ) -> None:
        self._origins = [one.strip().rstrip("/") for one in origin.split(",")] if origin else []
        self._proxies, self._ping, self._path = networks(trusted_proxy or ""), ws_ping, ws_path

    async def listen(self, host: str, port: int) -> Listener:
        sockets = web_socket()
        serving = sockets.WebServing(self._origins, self._proxies, self._ping)
        listener = await tcp_sockets.listen(host, port)
        return FilterListener(listener, lambda below: sockets.WebSocketServer(self._served(below), serving))

    async def connect(self, host: str, port: int) -> Stream:
        sockets = web_socket()
        below = self._reached(await tcp_sockets.connect(host, port), host)
        stream: FilterStream = sockets.WebSocketClient(below, f"{self.name}://{join_address(host, port)}{self._path}")
        return await opened_client(stream, OPEN_SECONDS)

    def _served(self, below: Stream) -> Stream:
        """What a WebSocket runs over at the server."""
        return below

    def _reached(self, below: Stream, host: str) -> Stream:
        """The same at a client that connects to this host."""
        return below


def networks(text: str) -> list[str]:
    """The addresses and networks in a list. Raises Usage."""
    found = [one.strip() for one in text.split(",")] if text else []
    for one in found:
        try:
            ip_network(one, strict=False)
        except ValueError:
            raise Usage(
                f"--trusted-proxy takes addresses, and '{shorten(one)}' is none.", "For example: 127.0.0.1,::1."
            ) from None
    return found


def web_socket() -> ModuleType:
    """The module that needs the package `websockets`. Raises Usage where that is not installed."""
    try:
        from plytalk.plugins.sockets import web_socket
    except ModuleNotFoundError:
        raise Usage("WebSocket needs the package `websockets`.", "Install it with: pip install websockets") from None
    return web_socket


class Wss(Ws):
    """WebSocket in TLS, as web pages from elsewhere need it: the server shows a certificate."""

    name = "wss"
    options = (*Ws.options, *OPTIONS)
    covers = COVERS
    caution = f"{Ws.caution} {CAUTION}"

    def __init__(self, **options: Any) -> None:
        self._files = TlsFiles.take(options)
        super().__init__(**options)
        self._context: ssl.SSLContext | None = None

    async def listen(self, host: str, port: int) -> Listener:
        self._context = self._files.server()
        return await super().listen(host, port)

    def _served(self, below: Stream) -> Stream:
        assert self._context
        return TlsStream(below, self._context)

    def _reached(self, below: Stream, host: str) -> Stream:
        return self._files.secured(below, host)


@hookimpl
def layers() -> list[type[Ws]]:
    return [Ws, Wss]
