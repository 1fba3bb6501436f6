"""A small HTTP/1.1 server (RFC 9112) for figures and pages: a request is small, quick and alone on its connection, or dropped."""

import asyncio
import base64
import hashlib
import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast

from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.io.address import EVERY_NETWORK, Address, join_address, parse_address

LONGEST = 8192
"""The longest head of a request, in bytes."""
SECONDS = 5.0
"""How long a request and its answer may take together."""
MOST = 16
"""How many may ask at one time: a newcomer takes the place of the one that has asked longest."""
TEXT = "text/plain; charset=utf-8"
OWN_FILES_ONLY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""The headers of a page that uses the files of its server alone (CSP Level 3, and the Fetch and HTML standards)."""

EXAMPLE = "Write 127.0.0.1:{} to serve this machine alone; another address serves anyone who can reach it."


@dataclass(frozen=True)
class HttpAnswer:
    """What a request is answered, with headers besides those that every answer has."""

    status: HTTPStatus
    body: str | bytes
    content_type: str = TEXT
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The bytes of the answer, behind which the connection ends."""
        body = self.body.encode() if isinstance(self.body, str) else self.body
        fields = {"Content-Type": self.content_type, "Content-Length": str(len(body)), **self.headers, "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n{head}\r\n".encode() + body


@dataclass(frozen=True)
class HttpRequest:
    """A request for a path, by a name of this server (the field `Host`; empty where there is none)."""

    path: str
    host: str


def source_hash(text: str) -> str:
    """The hash by which a page's policy allows a script or style in it (CSP Level 3, section 6.7.2)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


Give = Callable[[HttpRequest], HttpAnswer]


def listen_address(option: str, given: str, port: int) -> Address:
    """The HOST:PORT of an option; `port` is for the example. Raises Usage."""
    try:
        address = parse_address(given, listen=True)
    except Usage as error:
        raise Usage(f"{option} {shorten(given)} is not HOST:PORT.", f"{error} {EXAMPLE.format(port)}") from None
    if address.port is None:
        raise Usage(f"{option} {shorten(given)} is not HOST:PORT.", EXAMPLE.format(port))
    return address


class HttpServer:
    """Answers GET requests with what `give` gives for them."""

    def __init__(self, give: Give) -> None:
        self._give = give
        self._server: asyncio.Server | None = None
        self.asking: dict[HttpConnection, None] = {}  # the oldest first

    async def listen(self, option: str, address: Address) -> tuple[str, int]:
        """Where it listens. Raises CannotConnect, naming the option."""
        here: dict[str, Any] = {"host": address.host, "port": address.port}
        try:
            if address.host == EVERY_NETWORK:  # asyncio takes it for IPv6 alone
                here = {"sock": socket.create_server(("", address.port), family=socket.AF_INET6, dualstack_ipv6=True)}
            self._server = await asyncio.get_running_loop().create_server(lambda: HttpConnection(self), **here)
        except (OSError, ValueError) as error:
            number = getattr(error, "errno", None) or 0  # those of names that nobody knows are negative, or absent
            why = os.strerror(number).lower() if number > 0 else "no such address"
            where = join_address(address.host, address.port or 0)
            raise CannotConnect(f"Cannot serve {option} at {where}: {why}.", "Choose another HOST:PORT.") from None
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    def close(self) -> None:
        """Listen no more, and drop those that ask."""
        if self._server:
            self._server.close()
            for connection in [*self.asking]:
                connection.drop()

    def answer(self, head: bytes) -> HttpAnswer:
        """The answer to a request's head."""
        request = re.match(rb"([A-Z]+) (/[!-~]*) HTTP/1\.[01]\r?\n", head)
        if not request:
            return HttpAnswer(HTTPStatus.BAD_REQUEST, "This is not a request.\n")
        host = re.search(rb"\nHost:[ \t]*([!-~]*)[ \t]*\r?\n", head, re.I)
        try:
            answer = self._give(HttpRequest(request[2].partition(b"?")[0].decode(), host[1].decode() if host else ""))
        except Exception:  # in a callback of the event loop it would be a traceback on the terminal, and no answer
            return HttpAnswer(HTTPStatus.INTERNAL_SERVER_ERROR, "This server is at fault.\n")
        if answer.status is not HTTPStatus.NOT_FOUND and request[1] != b"GET":
            return HttpAnswer(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET is supported.\n", headers={"Allow": "GET"})
        return answer


class HttpConnection(asyncio.Protocol):
    """A connection, for one request."""

    def __init__(self, server: HttpServer) -> None:
        self._http = server
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self._patience = asyncio.get_running_loop().call_later(SECONDS, self._transport.abort)
        if len(self._http.asking) >= MOST:
            oldest = next(iter(self._http.asking))
            del self._http.asking[oldest]
            oldest.drop()
        self._http.asking[self] = None

    def data_received(self, data: bytes) -> None:
        self._head += data
        if b"\r\n\r\n" in self._head or b"\n\n" in self._head:
            self._say(self._http.answer(self._head))
        elif len(self._head) > LONGEST:
            self._say(HttpAnswer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "That is too long.\n"))

    def _say(self, answer: HttpAnswer) -> None:
        self._transport.write(answer.encoded())
        self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._patience.cancel()
        self._http.asking.pop(self, None)

    def drop(self) -> None:
        self._transport.abort()
