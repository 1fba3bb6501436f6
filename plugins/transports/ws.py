"""WebSocket over TCP (RFC 6455): for networks that let only the web through, behind web servers, and for pages.

What a message is, and how an end is said, is in plugins/sockets/web_socket.py.
"""

from ipaddress import ip_network
from types import ModuleType

from plytalk.core.bases.filter_stream import FilterListener, FilterStream, opened_client
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.core.io.address import join_address
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.sockets import tcp_sockets

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
    options = (ORIGIN, PROXY, PINGS, PATH)
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
        return FilterListener(await tcp_sockets.listen(host, port), lambda below: sockets.WebSocketServer(below, serving))

    async def connect(self, host: str, port: int) -> Stream:
        sockets = web_socket()
        url = f"ws://{join_address(host, port)}{self._path}"
        stream: FilterStream = sockets.WebSocketClient(await tcp_sockets.connect(host, port), url)
        return await opened_client(stream, OPEN_SECONDS)


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


@hookimpl
def layers() -> list[type[Ws]]:
    return [Ws]
