"""A web page, and the WebSocket that it opens, by one listener: for people who have only a browser.

    http://HOST:PORT/         the page (plugins/web/page)
    http://HOST:PORT/ws       the WebSocket of that page, and of `chat connect ws://HOST:PORT/ws`

Browsers do cryptography only for pages that came by TLS or from their own machine. So this listens on this machine alone, with a
certificate, or behind a web server that speaks TLS and is named.
"""

from typing import Any

from plytalk.core.bases.filter_listener import FilterListener
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.io.address import join_address
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.sockets import tcp_sockets, web_options
from plytalk.plugins.sockets.dialling import PROXY
from plytalk.plugins.sockets.forwarding import networks
from plytalk.plugins.sockets.tls_stream import OPTIONS, SecuredTransport, TlsFiles, TlsStream
from plytalk.plugins.web.http_head import is_this_machine

SOCKET = "ws"
ELSEWHERE = (
    "Give --tls-cert FILE and --tls-key FILE; or --trusted-proxy ADDRESS, for a web server in front of it that speaks TLS; "
    "or listen on 127.0.0.1, for this machine alone."
)


class Web(SecuredTransport):
    """A web page, and its WebSocket: for people who have only a browser."""

    name = "web"
    options = (*web_options.OPTIONS, *OPTIONS, PROXY)
    caution = (
        f"{web_options.CAUTION} In a browser the page does the cryptography, and the party that serves it decides what it does."
    )

    def __init__(
        self, origin: str | None = None, trusted_proxy: str | None = None, ws_ping: int = web_options.PING, **options: Any
    ) -> None:
        self._origins, self._proxies = web_options.origins(origin), networks(trusted_proxy, web_options.TRUSTED.name)
        self._ping = ws_ping
        self._files = TlsFiles.take(options)
        self._instead: Any = None
        super().__init__(**options)

    async def listen(self, host: str, port: int) -> Listener:
        web_options.web_socket()
        from plytalk.plugins.web.page_files import PageFiles
        from plytalk.plugins.web.web_stream import PageServing, WebStream

        has_tls = self._files.given
        context = self._files.server() if has_tls else None
        if not (context or self._proxies or is_this_machine(host)):
            raise Usage(f"Browsers trust a page from {join_address(host, port)} only by TLS.", ELSEWHERE)
        serving = PageServing(self._origins, self._proxies, self._ping, self._instead or PageFiles(), has_tls)
        listener = await tcp_sockets.listen(host, port)
        return FilterListener(listener, lambda below: WebStream(TlsStream(below, context) if context else below, serving))

    async def connect(self, host: str, port: int) -> Stream:
        web_options.web_socket()
        below = await self.reached(host, port)
        secured = below if is_this_machine(host) else self._files.secured(below, host)
        return await web_options.opened(secured, f"ws://{join_address(host, port)}/{SOCKET}")

    def serve_instead(self, files: Any) -> None:
        self._instead = files

    def urls_at(self, address: str) -> tuple[str, str]:
        secured = "s" * self._files.given
        return f"http{secured}://{address}/", f"ws{secured}://{address}/{SOCKET}"


@hookimpl
def layers() -> list[type[Web]]:
    return [Web]
