"""A stream over a WebSocket (RFC 6455), by the package `websockets`, of which only the protocol without input and output is used.

The subprotocol is `plytalk.1`. What is sent goes into binary messages of at most 64 KiB, without compression; an empty binary
message says that no more comes from its sender. A text message closes the connection with the code 1003. The server pings, since
proxies cut a connection on which nothing was said for a minute.
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from websockets.client import ClientProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from plytalk.core.bases.filter_stream import Opening
from plytalk.core.bases.paced_stream import PacedStream
from plytalk.core.contracts.errors import CannotConnect, HandshakeFailed, Refused
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.contracts.transport import Stream
from plytalk.core.contracts.wire import CutWire
from plytalk.core.io.address import is_ip_address
from plytalk.plugins.sockets.forwarding import is_among, proxied
from plytalk.plugins.sockets.web_socket_units import cut_web_socket

SUBPROTOCOL = Subprotocol("plytalk.1")
MOST = 64 * 1024
"""The longest message, in bytes."""
JITTER = 1.25
"""A ping comes after the time that was asked for, or after as much as this many times that, so that not all come at once."""
DATA = (Opcode.BINARY, Opcode.CONT)

_quiet = logging.getLogger("plytalk.web_socket")
_quiet.disabled = True


class WebSocketStream(PacedStream):
    """One end of a WebSocket, behind its opening."""

    what, slice = "WebSocket", 8 * 1024
    _protocol: ClientProtocol | ServerProtocol

    def __init__(self, below: Stream) -> None:
        super().__init__(below)
        self._size = 0  # of the message that is coming, as far as it has come

    def cut(self, way: str) -> CutWire:
        return cut_web_socket()

    def read(self, data: bytes) -> None:
        protocol = self._protocol
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Frame):
                self._hear(event)
            else:
                self._hear_opening(event)
        self._reply()
        if fault := protocol.handshake_exc or protocol.parser_exc:
            self._opening_failed(fault)

    def _hear_opening(self, event: Any) -> None:
        """The other side's part of the opening."""

    def _opening_failed(self, fault: Exception) -> None:
        raise ConnectionAbortedError(f"a fault in its WebSocket: {shorten(str(fault))}")

    def _hear(self, frame: Frame) -> None:
        self.charge(len(frame.data))
        if frame.opcode in DATA and self._over is None:
            self._size += len(frame.data)
            if frame.data:
                self.deliver(bytes(frame.data))
            if frame.fin:
                if not self._size:
                    self.deliver_end()
                self._size = 0
        elif frame.opcode is Opcode.TEXT:
            self._protocol.fail(CloseCode.UNSUPPORTED_DATA, "binary messages only")
            self._flush()
            raise ConnectionAbortedError("it sent text instead of a binary message")
        elif frame.opcode is Opcode.CLOSE and self._over is None:
            self._flush()
            raise ConnectionAbortedError("it closed its WebSocket without an end")

    def _reply(self) -> None:
        """Send what the protocol says to what has come: while it is open, pongs, of which one that does not read gets none."""
        said = self._protocol.data_to_send()
        if not (self.below.full and self._protocol.state is OPEN):
            self.write(b"".join(said))

    def _flush(self) -> None:
        self.write(b"".join(self._protocol.data_to_send()))

    def wrap(self, data: bytes) -> bytes:
        if self._protocol.state is not OPEN:  # it has closed, and reads nothing more
            asyncio.get_running_loop().call_soon(self._end, ConnectionResetError("it closed its WebSocket"))
            return b""
        for at in range(0, len(data), MOST):
            self._protocol.send_binary(data[at : at + MOST])
        return b"".join(self._protocol.data_to_send())

    def wrap_end(self) -> bytes:
        if self._protocol.state is not OPEN:
            return b""
        self._protocol.send_binary(b"")
        return b"".join(self._protocol.data_to_send())

    def last_word(self) -> bytes:
        if self._protocol.state is not OPEN:
            return b""
        self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
        return b"".join(self._protocol.data_to_send())


class WebSocketClient(WebSocketStream):
    """A client's end."""

    def __init__(self, below: Stream, url: str) -> None:
        super().__init__(below)
        self._protocol: ClientProtocol = ClientProtocol(parse_uri(url), subprotocols=[SUBPROTOCOL], max_size=MOST, logger=_quiet)

    def begin(self) -> None:
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def _hear_opening(self, event: Response) -> None:
        if not self._protocol.handshake_exc:
            if self._protocol.subprotocol != SUBPROTOCOL:
                sentence = f"{self.peer} has a WebSocket for something else: it does not speak {SUBPROTOCOL}."
                raise CannotConnect(sentence, "Check the address and its path.")
            self.is_open()
        elif event.status_code != 101:
            reason = shorten(f"{event.status_code} {event.reason_phrase}")
            raise CannotConnect(f"{self.peer} answered {reason}, and opened no WebSocket.", "Check the address and its path.")

    def _opening_failed(self, fault: Exception) -> None:
        if self.opening is Opening.BEGUN:
            raise CannotConnect(f"{self.peer} does not speak WebSocket.", "Check the address, or choose another --transport.")
        super()._opening_failed(fault)


@dataclass(frozen=True)
class WebServing:
    """What a server asks of those who come: the `origins` of pages that may (besides a page at the server's own address), the
    addresses of the `proxies` whose word about a peer's address counts, and after how many seconds it pings.
    """

    origins: Sequence[str] = ()
    proxies: Sequence[str] = ()
    ping: float = 20

    def trusts(self, peer: str) -> bool:
        """Whether a peer is one of the proxies."""
        return is_among(peer, self.proxies)

    def allows(self, origin: str, host: str) -> bool:
        """Whether a page of this origin may come. A page at the server's own address may, where that address is a number or
        localhost: any other name may lead here from everywhere (DNS rebinding)."""
        if origin in self.origins:
            return True
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        return origin in (f"http://{host}", f"https://{host}") and (name == "localhost" or is_ip_address(name.strip("[]")))


class WebSocketServer(WebSocketStream):
    """A server's end."""

    def __init__(self, below: Stream, serving: WebServing) -> None:
        super().__init__(below)
        self._protocol: ServerProtocol = ServerProtocol(subprotocols=[SUBPROTOCOL], max_size=MOST, logger=_quiet)
        self._serving, self._ping = serving, None
        self._is_proxied = serving.trusts(below.peer)
        if self._is_proxied:
            self.peer = proxied(below.peer, "")

    _ping: asyncio.TimerHandle | None

    def _hear_opening(self, event: Request) -> None:
        headers = event.headers
        if self._is_proxied:
            self.peer = proxied(self.below.peer, ",".join(headers.get_all("X-Forwarded-For")))
        origins, hosts = headers.get_all("Origin"), headers.get_all("Host")
        if any(not self._allows(origin, "".join(hosts)) for origin in origins):
            self._refuse(403, f"Pages of {shorten(origins[0])} may not come here: --origin at the server allows them.")
        response = self._protocol.accept(event)
        self._protocol.send_response(response)
        self._flush()
        if response.status_code != 101:
            sentence = f"It asked for {shorten(event.path)} by HTTP, and not for a WebSocket of {SUBPROTOCOL}."
            raise HandshakeFailed(sentence, "A page for browsers is --web.")
        self.is_open()
        self._ping_later()

    def _allows(self, origin: str, host: str) -> bool:
        """Whether a page of this origin may come to this host."""
        return self._serving.allows(origin, host)

    def _refuse(self, status: int, sentence: str) -> None:
        self._protocol.send_response(self._protocol.reject(status, f"{sentence}\n"))
        self._flush()
        raise Refused(sentence)

    def _opening_failed(self, fault: Exception) -> None:
        if self.opening is Opening.BEGUN:
            raise HandshakeFailed("The other side does not speak WebSocket.")
        super()._opening_failed(fault)

    def _ping_later(self) -> None:
        if self._serving.ping:
            seconds = random.uniform(self._serving.ping, self._serving.ping * JITTER)  # noqa: S311  # no secret
            self._ping = asyncio.get_running_loop().call_later(seconds, self._send_ping)

    def _send_ping(self) -> None:
        if not self._closed and self._protocol.state is OPEN:
            if not self.below.buffered:  # no ping for a peer that does not read
                self._protocol.send_ping(b"")
                self._flush()
            self._ping_later()

    def close(self) -> None:
        if self._ping:
            self._ping.cancel()
        super().close()
