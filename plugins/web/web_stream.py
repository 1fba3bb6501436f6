"""One end of a connection to the page's listener: it asks for a file by HTTP, or for the WebSocket.

A file, or a refusal, is sent in one piece. Behind it this side ends, and reads what still comes, since closing a connection with
something unread resets it and the other side may lose the answer.
"""

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from plytalk.core.bases.filter_stream import Opening
from plytalk.core.contracts.errors import Answered, ChatError
from plytalk.core.contracts.transport import Stream
from plytalk.core.io.address import is_local
from plytalk.plugins.small_http import HttpAnswer
from plytalk.plugins.sockets.forwarding import proxied
from plytalk.plugins.sockets.web_socket import WebServing, WebSocketServer
from plytalk.plugins.web.http_head import HttpRefused, RequestHead, head_size, is_this_machine, read_head
from plytalk.plugins.web.page_files import PageFiles, plain

SOCKET = "/ws"
HEAD_SECONDS = 5.0
"""How long a request's head may take, in seconds. Silence does not count as a fault: browsers connect before they need it."""
LINGER = 1.0
"""How long the server waits until the other side has received all of an answer, in seconds, before it closes the connection."""


class AnswersRequests(Protocol):
    """What has the answers to GET requests that may ask."""

    def answer(self, head: RequestHead) -> HttpAnswer: ...


@dataclass(frozen=True)
class PageServing(WebServing):
    """What is asked of those who come, and the page's files. `has_tls` says that the listener itself speaks TLS."""

    files: AnswersRequests = field(default_factory=PageFiles)
    has_tls: bool = False

    def check(self, peer: str, head: RequestHead) -> None:
        """Raises HttpRefused where this peer may not ask for this host."""
        if self.has_tls or self.trusts(peer):
            return
        if not is_local(peer):
            raise HttpRefused(
                HTTPStatus.FORBIDDEN,
                "Without TLS this server answers its own machine alone: come by the web server in front of it.",
            )
        if not is_this_machine(head.host):
            raise HttpRefused(
                HTTPStatus.MISDIRECTED_REQUEST,
                "This server is localhost, and was asked for by another name. Where a web server in front passes that on, "
                "--trusted-proxy at the server names its address.",
            )

    def allows_from(self, peer: str, origin: str, host: str) -> bool:
        """Whether a page of this origin may connect. Behind TLS a name is proved, so it may be that of the page's own server."""
        return self.allows(origin, host) or ((self.has_tls or self.trusts(peer)) and origin == f"https://{host}")


class WebStream(WebSocketServer):
    """A server's end."""

    _serving: PageServing

    def __init__(self, below: Stream, serving: PageServing) -> None:
        super().__init__(below, serving)
        self._head, self._is_socket = bytearray(), False
        self._outcome: ChatError | None = None  # once it is answered
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._tire)

    def take(self, data: bytes) -> None:
        if self._outcome:
            return
        try:
            if self._is_socket:
                super().take(data)
            else:
                self._take_head(data)
        except HttpRefused as refused:
            self._turn_away(refused)

    def _take_head(self, data: bytes) -> None:
        self._head += data
        if size := head_size(self._head):
            self._hear_head(read_head(bytes(self._head[:size])))

    def _hear_head(self, head: RequestHead) -> None:
        if self._is_proxied:
            self.peer = proxied(self.below.peer, head.all("x-forwarded-for"))
        self._serving.check(self.below.peer, head)
        if head.method != "GET":
            self._answer(plain(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET is supported."), Answered())
        elif head.path != SOCKET:
            self._answer(self._serving.files.answer(head), Answered())
        elif "websocket" not in head.all("upgrade").lower():
            self._answer(plain(HTTPStatus.UPGRADE_REQUIRED, "This is for a WebSocket."), Answered())
        else:
            self._is_socket = True
            came, self._head = bytes(self._head), bytearray()
            super().take(came)

    def _allows(self, origin: str, host: str) -> bool:
        return self._serving.allows_from(self.below.peer, origin, host)

    def _refuse(self, status: int, sentence: str) -> None:
        raise HttpRefused(HTTPStatus(status), sentence)

    def _turn_away(self, refused: HttpRefused) -> None:
        self._answer(plain(refused.status, str(refused)), refused)

    def _answer(self, answer: HttpAnswer, outcome: ChatError) -> None:
        self._outcome = outcome
        self.write(answer.encoded())
        self.below.finish()
        self._linger()

    def _linger(self) -> None:
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(LINGER, self._let_go)

    def _let_go(self) -> None:
        if self.opening is Opening.BEGUN and self._outcome:
            if self.below.undelivered:
                self._linger()
            else:
                self.fail(self._outcome)

    def _tire(self) -> None:
        """The head is not there in time."""
        if self.opening is not Opening.BEGUN or self._outcome:
            return
        if self._head:
            self._turn_away(HttpRefused(HTTPStatus.REQUEST_TIMEOUT, "The request took too long."))
        else:
            self.fail(Answered())

    def _below_ended(self, error: Exception | None) -> None:
        if self.opening is Opening.BEGUN and self._outcome:
            self.fail(self._outcome)
        elif self.opening is Opening.BEGUN and not self._head and not isinstance(error, ChatError):
            self.fail(Answered())
        else:
            super()._below_ended(error)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()

    def close(self) -> None:
        self._stop_timer()
        super().close()
