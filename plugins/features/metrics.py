"""`--metrics HOST:PORT`: figures for Prometheus, and whether the server is well, over HTTP/1.1 (RFC 9112).

    GET /metrics    what the plugins measure, in Prometheus' text format 0.0.4
    GET /healthz    200 and "ok" once the server listens, 503 before

A request is small, quick and alone on its connection, or it is dropped.
"""

import asyncio
import os
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import CannotConnect, ChatError, ImpossibleStack, Usage
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.measures import CONTENT_TYPE, Measure, exposition
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.admission import Reason, reason_of
from plytalk.core.io.address import EVERY_NETWORK, join_address, parse_address
from plytalk.core.registry.hookspecs import hookimpl

LONGEST = 8192
"""The longest head of a request, in bytes."""
SECONDS = 5.0
"""How long a request and its answer may take together."""
MOST = 16
"""How many may ask at one time."""

_EXAMPLE = "Write 127.0.0.1:9591 to serve this machine alone; another address serves anyone who can reach it."
_STARTED = time.time()

HttpAnswer = tuple[HTTPStatus, str]


class Metrics(Feature):
    """Serves figures for Prometheus, and whether the server is well."""

    name = "metrics"
    options = (
        Option(
            "metrics",
            "Serve Prometheus metrics and /healthz over HTTP at this address.",
            metavar="HOST:PORT",
            chooses=True,
            role=Role.RESPONDER,
        ),
    )

    def __init__(self, metrics: str = "127.0.0.1:9591") -> None:
        try:
            address = parse_address(metrics, listen=True)
        except Usage as error:
            raise Usage(f"--metrics {shorten(metrics)} is not HOST:PORT.", f"{error} {_EXAMPLE}") from None
        if address.port is None:
            raise Usage(f"--metrics {shorten(metrics)} is not HOST:PORT.", _EXAMPLE)
        self._host, self._port = address.host, address.port
        self._hook: Any = None
        self._server: asyncio.Server | None = None
        self.asking: set[Request] = set()
        self._open: set[DirectChat] = set()
        self._opened = self._failures = 0
        self._ended: Counter[tuple[str, str]] = Counter()
        self._turned_away: Counter[Reason] = Counter()

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        if role is Role.INITIATOR:
            raise ImpossibleStack("--metrics is for servers.", "Leave it out.")
        here: dict[str, Any] = {"host": self._host, "port": self._port}
        try:
            if self._host == EVERY_NETWORK:  # asyncio takes it for IPv6 alone
                here = {"sock": socket.create_server(("", self._port), family=socket.AF_INET6, dualstack_ipv6=True)}
            self._server = await asyncio.get_running_loop().create_server(lambda: Request(self), **here)
        except (OSError, ValueError) as error:
            number = getattr(error, "errno", None) or 0  # those of names that nobody knows are negative, or absent
            why = os.strerror(number).lower() if number > 0 else "no such address"
            where = join_address(self._host, self._port)
            raise CannotConnect(f"Cannot serve --metrics at {where}: {why}.", "Choose another HOST:PORT.") from None
        host, port = self._server.sockets[0].getsockname()[:2]
        sentence = f"Figures for Prometheus at http://{join_address(host, port)}/metrics."
        return [sentence if ip_address(host).is_loopback else f"{sentence} Anyone who can reach that address can read them."]

    async def release(self) -> None:
        if self._server:
            self._server.close()
            for request in [*self.asking]:
                request.drop()

    # -- what is measured --------------------------------------------------------------------------------------------------

    @hookimpl
    def server_opened(self, hook: Any) -> None:
        self._hook = hook

    @hookimpl
    def turned_away(self, error: ChatError) -> None:
        self._turned_away[reason_of(error)] += 1

    @hookimpl
    def session_opened(self, session: DirectChat) -> None:
        self._open.add(session)
        self._opened += 1

    @hookimpl
    def session_closed(self, session: DirectChat, ending: Ending) -> None:
        self._open.discard(session)
        self._ended[ending.by.value, type(ending.error).__name__ if ending.error else ""] += 1

    @hookimpl
    def measures(self) -> list[Measure]:
        found = [
            Measure("plytalk_sessions_open", "Conversations that are open.", len(self._open)),
            Measure("plytalk_sessions_opened_total", "Conversations that have opened.", self._opened, "counter"),
        ]
        for (by, error), count in self._ended.items():
            labels = {"by": by, "error": error}
            found.append(Measure("plytalk_sessions_ended_total", "Conversations that have ended.", count, "counter", labels))
        for reason in Reason:  # all of them, from 0 on: an alert must not wait for the first
            labels, count = {"reason": reason.value}, self._turned_away[reason]
            found.append(Measure("plytalk_turned_away_total", "Peers that did not get in.", count, "counter", labels))
        return [*found, *process()]

    def _everything(self) -> Iterator[Measure]:
        """What all plugins measure; one that fails takes no other's figures away."""
        for implementation in self._hook.measures.get_hookimpls():
            try:
                yield from implementation.function()
            except Exception:
                self._failures += 1
        name, what = "plytalk_measures_failed_total", "Times that a plugin could not give its figures."
        yield Measure(name, what, self._failures, "counter")

    # -- HTTP --------------------------------------------------------------------------------------------------------------

    def answer(self, head: bytes) -> HttpAnswer:
        """The answer to a request's head."""
        request = re.match(rb"([A-Z]+) (/[!-~]*) HTTP/1\.[01]\r?\n", head)
        if not request:
            return HTTPStatus.BAD_REQUEST, "This is not a request.\n"
        path = request[2].partition(b"?")[0]
        if path not in (b"/metrics", b"/healthz"):
            return HTTPStatus.NOT_FOUND, "Only /metrics and /healthz exist.\n"
        if request[1] != b"GET":
            return HTTPStatus.METHOD_NOT_ALLOWED, "Only GET is supported.\n"
        if self._hook is None:
            return HTTPStatus.SERVICE_UNAVAILABLE, "starting\n"
        return HTTPStatus.OK, exposition(self._everything()) if path == b"/metrics" else "ok\n"


class Request(asyncio.Protocol):
    """A connection, for one request."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._patience = asyncio.get_running_loop().call_later(SECONDS, transport.abort)
        if len(self._metrics.asking) >= MOST:
            transport.abort()
        self._metrics.asking.add(self)

    def data_received(self, data: bytes) -> None:
        self._head += data
        if b"\r\n\r\n" in self._head or b"\n\n" in self._head:
            self._say(*self._metrics.answer(self._head))
        elif len(self._head) > LONGEST:
            self._say(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "That is too long.\n")

    def _say(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        allow = "Allow: GET\r\n" if status is HTTPStatus.METHOD_NOT_ALLOWED else ""
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n"
            f"{allow}Connection: close\r\n\r\n"
        )
        self._transport.write(head.encode() + body)
        self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._patience.cancel()
        self._metrics.asking.discard(self)

    def drop(self) -> None:
        self._transport.abort()


def process() -> Iterator[Measure]:
    """The process under the names that Prometheus' own libraries give; memory and files only where there is /proc."""
    yield Measure("process_start_time_seconds", "When it began, in seconds since 1970.", _STARTED)
    yield Measure("process_cpu_seconds_total", "Processor time, in seconds.", time.process_time(), "counter")
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        yield Measure("process_resident_memory_bytes", "Memory in use, in bytes.", pages * os.sysconf("SC_PAGE_SIZE"))
        # Linux 6.2 and newer tell how many at once; to list ten thousand takes 30 ms, in which nobody else is served.
        open_files = os.stat("/proc/self/fd").st_size or len(os.listdir("/proc/self/fd")) - 1
        yield Measure("process_open_fds", "Open files and connections.", open_files)


@hookimpl
def layers() -> list[type[Metrics]]:
    return [Metrics]
