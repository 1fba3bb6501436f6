"""Through a proxy: SOCKS5 (RFC 1928 and 1929), as Tor speaks it, and HTTP CONNECT (RFC 9110 section 9.3.6).

The name of the server goes to the proxy as it is, and nothing on this machine looks it up.
"""

import asyncio
import re
import socket
from base64 import b64encode
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from plytalk.core.bases.filter_listener import opened_client
from plytalk.core.bases.filter_stream import FilterStream, Opening
from plytalk.core.contracts.errors import CannotConnect, HandshakeFailed, Usage
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.contracts.transport import Stream
from plytalk.core.contracts.unprinted import Unprinted
from plytalk.core.contracts.wire import OUT, CutWire
from plytalk.core.io.address import Address, join_address, parse_address, zone_in_url
from plytalk.plugins.sockets import tcp_sockets
from plytalk.plugins.sockets.opening_units import cut_opening
from plytalk.plugins.sockets.tcp_sockets import TcpStream, set_options
from plytalk.plugins.sockets.web_socket_units import END_OF_HEAD, head

SECONDS = 60
"""How long a proxy may take to reach the server; Tor takes some seconds, or more where it has just been started."""
SOCKS, HTTP = "socks5h", "http"
LOCAL_NAMES = ("socks5", "socks")
"""Schemes by which other programs look names up themselves."""
LONGEST = 255
"""Bytes of a user name or a password for SOCKS5 (RFC 1929 section 2)."""
UNSEEN = "(kept out of the trace)"
"""What a trace has in place of the user name and the password."""
MAX_HEAD = 16 * 1024
"""Bytes of the head of an HTTP response."""
EXAMPLES = "For example: --proxy socks5h://127.0.0.1:9050 or --proxy http://alice@proxy.example.org:3128."
AUTHENTICATION = ("No acceptable authentication methods", "Username and password authentication failure")
"""What python-socks says where the proxy wants a password, or another one."""

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(?:([^@]*)@)?([^@/?#]+)/?")
_INTERIM = re.compile(rb"\A(?:HTTP/1\.[0-9] 1[0-9]{2}[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n)+")
"""Interim answers, which come before the final one (RFC 9110 section 15.2)."""
_STATUS = re.compile(rb"HTTP/1\.[0-9] ([0-9]{3})(?: ([^\r\n]*))?")


class ProxyServer(Unprinted, Struct, frozen=True):
    """A proxy, and as whom to use it; an empty user name means as nobody. The password is in no `repr`."""

    scheme: str
    address: Address
    user: str = ""
    password: str = ""

    def __str__(self) -> str:
        return str(self.address)

    def __repr__(self) -> str:
        return f"<ProxyServer {self.scheme}://{self.address}>"


def parse_proxy(text: str) -> ProxyServer:
    """Read SCHEME://[USER[:PASSWORD]@]HOST:PORT. Raises Usage, which never has the password in it."""
    found = _URL.fullmatch(text.strip())
    if not found:
        raise Usage("--proxy takes the URL of a proxy, SCHEME://[USER@]HOST:PORT.", EXAMPLES)
    scheme = found[1].lower()
    if scheme in LOCAL_NAMES:
        raise Usage(
            f"With {scheme}:// this machine would look up the server's name itself.",
            f"Write {SOCKS}:// to leave it to the proxy.",
        )
    if scheme not in (SOCKS, HTTP):
        raise Usage(f"A proxy of the kind {shorten(scheme)}:// is not supported.", EXAMPLES)
    address = parse_address(zone_in_url(found[3]))
    if address.port is None:
        raise Usage(f"The proxy {address} has no port.", EXAMPLES)
    user, _, password = map(unquote, (found[2] or "").partition(":"))
    return checked(ProxyServer(scheme, address, user, password))


def checked(proxy: ProxyServer) -> ProxyServer:
    """The proxy, whose user name and password its protocol can carry. Raises Usage."""
    if proxy.password and not proxy.user:
        raise Usage("The URL of the proxy has a password without a user name.", EXAMPLES)
    if proxy.scheme == HTTP and ":" in proxy.user:
        raise Usage("The user name for an HTTP proxy cannot have a colon in it.")
    words = proxy.user + proxy.password
    if proxy.scheme == SOCKS and not (words.isascii() and len(proxy.user) <= LONGEST and len(proxy.password) <= LONGEST):
        raise Usage(f"A user name or password for SOCKS5 has at most {LONGEST} characters, all of them ASCII.")
    return proxy


async def connect(proxy: ProxyServer, host: str, port: int) -> Stream:
    """Connect to a server through a proxy. Raises CannotConnect, and Usage where a package is missing."""
    return await (through_socks if proxy.scheme == SOCKS else through_http)(proxy, host, port)


# -- SOCKS5 ----------------------------------------------------------------------------------------------------------------


async def through_socks(proxy: ProxyServer, host: str, port: int) -> TcpStream:
    name = join_address(host, port)
    sock = await socks_socket(proxy, host, port)
    set_options(sock)
    _, stream = await asyncio.get_running_loop().create_connection(lambda: TcpStream(name=name), sock=sock)
    return stream


async def socks_socket(proxy: ProxyServer, host: str, port: int) -> socket.socket:
    """A socket that a SOCKS5 proxy has connected to the server. Raises CannotConnect, Usage."""
    try:
        import python_socks
        from python_socks.async_.asyncio import Proxy as Client
    except ModuleNotFoundError:
        raise Usage("A SOCKS proxy needs the package `python-socks`.", "Install it with: pip install python-socks") from None
    client = Client(
        python_socks.ProxyType.SOCKS5,
        proxy.address.host,
        proxy.address.port or 0,
        username=proxy.user or None,
        password=proxy.password or None,
        rdns=True,
    )
    try:
        return await client.connect(host, port, timeout=SECONDS)
    except python_socks.ProxyTimeoutError:
        raise too_slow(proxy, host, port) from None
    except python_socks.ProxyConnectionError as error:
        raise unreachable(proxy, reason(error.__cause__)) from None
    except python_socks.ProxyError as error:
        raise socks_refusal(proxy, join_address(host, port), error) from None
    except OSError as error:
        raise unreachable(proxy, tcp_sockets.why(error)) from None


def socks_refusal(proxy: ProxyServer, name: str, error: Any) -> CannotConnect:
    """What a SOCKS5 proxy's answer means: `error` is a ProxyError of python-socks."""
    said = shorten(str(error))
    if error.error_code is not None:
        return not_reached(proxy, name, f"{said.lower()}.")
    if said.startswith(AUTHENTICATION):
        return not_admitted(proxy)
    return CannotConnect(f"{proxy} does not answer as a SOCKS5 proxy does: {said.lower()}.", "Check --proxy.")


def reason(error: BaseException | None) -> str:
    if isinstance(error, socket.gaierror):
        return "no address is known for it."
    return tcp_sockets.why(error) if isinstance(error, OSError) else "it does not answer."


# -- HTTP CONNECT ----------------------------------------------------------------------------------------------------------


async def through_http(proxy: ProxyServer, host: str, port: int) -> FilterStream:
    try:
        below = await tcp_sockets.connect(proxy.address.host, proxy.address.port or 0)
    except CannotConnect as error:
        raise CannotConnect(f"The proxy cannot be used: {error}", "Check --proxy, and that the proxy runs.") from None
    try:
        return await opened_client(HttpTunnel(below, proxy, join_address(host, port)), SECONDS)
    except HandshakeFailed:
        raise no_http(proxy) from None


class HttpTunnel(FilterStream):
    """A connection through an HTTP proxy. What follows the head of its answer is the server's already."""

    what = "HTTP, as a proxy"
    ends_with_below = True

    def __init__(self, below: Stream, proxy: ProxyServer, name: str) -> None:
        super().__init__(below)
        self._proxy, self._name, self._head = proxy, name, b""

    def cut(self, way: str) -> CutWire:
        return cut_opening(END_OF_HEAD, head)

    def begin(self) -> None:
        words = b64encode(f"{self._proxy.user}:{self._proxy.password}".encode()).decode()
        self.below.send(self._request(words))
        self._note(OUT, self._request(UNSEEN))  # no trace has the password

    def _request(self, words: str) -> bytes:
        lines = [f"CONNECT {self._name} HTTP/1.1", f"Host: {self._name}"]
        if self._proxy.user:
            lines.append(f"Proxy-Authorization: Basic {words}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def take(self, data: bytes) -> None:
        if self.opening is Opening.DONE:
            self.deliver(data)
            return
        self._head = _INTERIM.sub(b"", self._head + data)
        answer, end, rest = self._head.partition(END_OF_HEAD)
        if not b"HTTP/1.".startswith(answer[:7]) or len(answer) > MAX_HEAD:
            raise no_http(self._proxy)
        if end:
            self._judge(answer)
            self.peer, self._head = self._name, b""
            self.is_open()
            if rest:
                self.deliver(rest)

    def _judge(self, answer: bytes) -> None:
        """Raises CannotConnect unless the answer is a success."""
        status = _STATUS.match(answer)
        if not status:
            raise no_http(self._proxy)
        code, said = int(status[1]), shorten((status[2] or b"").decode("latin-1"))
        if code in (401, 407):  # tinyproxy says 401 to a wrong password
            raise not_admitted(self._proxy)
        if not 200 <= code < 300:
            raise not_reached(self._proxy, self._name, f"{code} {said}".strip() + ".")

    def wrap(self, data: bytes) -> bytes:
        return data

    def wrap_end(self) -> bytes:
        return b""


# -- what goes wrong -------------------------------------------------------------------------------------------------------


def no_http(proxy: ProxyServer) -> CannotConnect:
    return CannotConnect(f"{proxy} does not answer as an HTTP proxy does.", "Check --proxy.")


def unreachable(proxy: ProxyServer, why: str) -> CannotConnect:
    return CannotConnect(f"The proxy {proxy} cannot be used: {why}", "Check --proxy, and that the proxy runs.")


def too_slow(proxy: ProxyServer, host: str, port: int) -> CannotConnect:
    name = join_address(host, port)
    return CannotConnect(
        f"The proxy {proxy} did not reach {name} within {SECONDS} seconds.", "Check that it is a SOCKS5 proxy, or try again."
    )


def not_reached(proxy: ProxyServer, name: str, why: str) -> CannotConnect:
    return CannotConnect(f"The proxy {proxy} did not connect to {name}: {why}", "Check the address, and that the server runs.")


def not_admitted(proxy: ProxyServer) -> CannotConnect:
    if proxy.user:
        return CannotConnect(f"The proxy {proxy} does not accept this user name and password.", "Check both.")
    return CannotConnect(
        f"The proxy {proxy} wants a user name and a password.", f"Write --proxy {proxy.scheme}://USER@{proxy}, and you are asked."
    )
