"""WebSocket over TCP (RFC 6455): for networks that let only the web through, behind web servers, and for pages.

What a message is, and how an end is said, is in plugins/sockets/web_socket.py.
"""

import ssl
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from plytalk.core.bases.filter_listener import FilterListener
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.io.address import join_address
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.sockets import tcp_sockets, web_options
from plytalk.plugins.sockets.dialling import PROXY, DiallingTransport
from plytalk.plugins.sockets.forwarding import networks
from plytalk.plugins.sockets.tls_stream import CAUTION, COVERS, OPTIONS, SecuredTransport, TlsFiles, TlsStream

PATH = Option("ws-path", "The path to ask for (default /).", metavar="PATH", role=Role.INITIATOR)


class Ws(DiallingTransport):
    """WebSocket: through proxies and web servers, and for web pages."""

    name = "ws"
    options: ClassVar[Sequence[Option]] = (*web_options.OPTIONS, PATH, PROXY)
    caution = web_options.CAUTION

    def __init__(
        self,
        origin: str | None = None,
        trusted_proxy: str | None = None,
        ws_ping: int = web_options.PING,
        ws_path: str = "/",
        proxy: str | None = None,
    ) -> None:
        super().__init__(proxy)
        self._origins, self._proxies = web_options.origins(origin), networks(trusted_proxy, web_options.TRUSTED.name)
        self._ping, self._path = ws_ping, ws_path

    @classmethod
    def attacked_as(cls) -> Sequence[str]:
        return () if cls.covers else ("plytalk1",)  # TLS makes no difference to what a web server at its end can do

    def through(self) -> Mapping[Role, tuple[Stream, Stream]]:
        """Through a web server, which ends the WebSocket of each side."""
        sockets, found = web_options.web_socket(), dict[Role, tuple[Stream, Stream]]()
        for role in Role:
            ours, theirs = memory_stream_pair()
            client, server = (ours, theirs) if role is Role.INITIATOR else (theirs, ours)
            ends = (
                sockets.WebSocketClient(client, "ws://lab.invalid/"),
                sockets.WebSocketServer(server, sockets.WebServing(ping=0)),
            )
            found[role] = ends if role is Role.INITIATOR else ends[::-1]
        return found

    async def listen(self, host: str, port: int) -> Listener:
        sockets = web_options.web_socket()
        serving = sockets.WebServing(self._origins, self._proxies, self._ping)
        listener = await tcp_sockets.listen(host, port)
        return FilterListener(listener, lambda below: sockets.WebSocketServer(self._served(below), serving))

    async def connect(self, host: str, port: int) -> Stream:
        web_options.web_socket()
        below = self._secured(await self.reached(host, port), host)
        return await web_options.opened(below, f"{self.name}://{join_address(host, port)}{self._path}")

    def _served(self, below: Stream) -> Stream:
        """What a WebSocket runs over at the server."""
        return below

    def _secured(self, below: Stream, host: str) -> Stream:
        """The same at a client that connects to this host."""
        return below


class Wss(SecuredTransport, Ws):
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

    def _secured(self, below: Stream, host: str) -> Stream:
        return self._files.secured(below, host)


@hookimpl
def layers() -> list[type[Ws]]:
    return [Ws, Wss]
