"""`--metrics HOST:PORT`: figures for Prometheus, and whether the server is well, over HTTP/1.1 (RFC 9112).

    GET /metrics    what the plugins measure, in Prometheus' text format 0.0.4
    GET /healthz    200 and "ok" once the server listens, 503 before

A request is small, quick and alone on its connection, or it is dropped.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from typing import Any

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import ChatError, ImpossibleStack
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.measures import Measure
from plytalk.core.contracts.peers import Role
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.admission import Reason, reason_of
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins import prometheus
from plytalk.plugins.small_http import HttpAnswer, HttpRequest, HttpServer, listen_address


class Metrics(Feature):
    """Serves metrics for Prometheus, and a health check."""

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
        self._address = listen_address("--metrics", metrics, 9591)
        self._hook: Any = None
        self._http = HttpServer(self.answer)
        self._open: set[DirectChat] = set()
        self._opened = self._failures = 0
        self._ended: Counter[tuple[str, str]] = Counter()
        self._turned_away: Counter[Reason] = Counter()

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        if role is Role.INITIATOR:
            raise ImpossibleStack("--metrics is for servers.", "Leave it out.")
        host, port = await self._http.listen("--metrics", self._address)
        was_named = self._address.port == port and ip_address(host).is_loopback  # it need not be said again
        return [] if was_named else [prometheus.where_served(host, port)]

    async def release(self) -> None:
        self._http.close()

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
        return [*found, *prometheus.process()]

    def _everything(self) -> Iterator[Measure]:
        """What all plugins measure; one that fails takes no other's figures away."""
        for implementation in self._hook.measures.get_hookimpls():
            try:
                yield from implementation.function()
            except BaseException as error:
                let_through(error)
                self._failures += 1
        name, what = "plytalk_measures_failed_total", "Times that a plugin could not give its figures."
        yield Measure(name, what, self._failures, "counter")

    # -- HTTP --------------------------------------------------------------------------------------------------------------

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """The answer to a request."""
        return prometheus.answer(request, None if self._hook is None else self._everything())


@hookimpl
def layers() -> list[type[Metrics]]:
    return [Metrics]
