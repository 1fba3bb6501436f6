"""The options of the transports that take WebSockets, and the package that these need."""

from types import ModuleType

from plytalk.core.bases.filter_listener import opened_client
from plytalk.core.bases.filter_stream import FilterStream
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Stream

OPEN_SECONDS = 10
PING = 20
ORIGIN = Option(
    "origin", "Origins of web pages that may connect, with commas between them.", metavar="ORIGIN,...", role=Role.RESPONDER
)
TRUSTED = Option(
    "trusted-proxy",
    "Addresses of web servers in front of this one: the last X-Forwarded-For entry that they send is the peer's address.",
    metavar="ADDRESS,...",
    role=Role.RESPONDER,
)
PINGS = Option(
    "ws-ping", f"Seconds after which the server pings (default {PING}; 0: never).", int, PING, "SECONDS", role=Role.RESPONDER
)
OPTIONS = (ORIGIN, TRUSTED, PINGS)
CAUTION = (
    "a web server or proxy on the way sees addresses, times and sizes; it sees what is said only where the layers above it "
    "keep nothing secret."
)


def origins(text: str | None) -> list[str]:
    """The origins in a list."""
    return [one.strip().rstrip("/") for one in text.split(",")] if text else []


async def opened(below: Stream, url: str) -> FilterStream:
    """A WebSocket over a stream, once it is open. Raises CannotConnect, and Usage without the package."""
    stream: FilterStream = web_socket().WebSocketClient(below, url)
    return await opened_client(stream, OPEN_SECONDS)


def web_socket() -> ModuleType:
    """The module that needs the package `websockets`. Raises Usage where that is not installed."""
    try:
        from plytalk.plugins.sockets import web_socket
    except ModuleNotFoundError:
        raise Usage("WebSocket needs the package `websockets`.", "Install it with: pip install websockets") from None
    return web_socket
