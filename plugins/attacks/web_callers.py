"""Callers of a WebSocket who say what a web server or a browser would say: another source, another origin.

Each attempt is another opening at the server's end of the transport; the conversation that goes on meanwhile is left alone.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from plytalk.core.bases.attacking import wait_until_idle
from plytalk.core.contracts.attack import Attack, AttackedStack, Evidence, Interceptor, Target
from plytalk.core.contracts.errors import ChatError
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.registry.hookspecs import hookimpl

WEB = "ws"
PROXY, STRANGER, FORGED = "192.0.2.80", "198.51.100.7", "203.0.113.9"
LOCAL = "127.0.0.1"
SERVER = "chat.example.org"
PROXY_LINE = b"PROXY TCP4 203.0.113.9 192.0.2.80 4000 80\r\n"
"""What proxies put before a connection by HAProxy's protocol, which this server does not take from anybody."""


class WebCaller(Attack):
    """An attack that opens WebSockets at the server with headers of its choice."""

    target = Target.PROGRAM

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._got_through: list[str] = []

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        return any(transport.name == WEB for transport in stack.classes["transport"])

    def succeeded(self, evidence: Evidence) -> bool:
        return bool(self._got_through)


async def asked(peer: str, before: bytes = b"", **headers: str) -> tuple[bool, str]:
    """Whether a WebSocket opens at a server behind the proxy `PROXY`, and what address it then counts the peer by."""
    from plytalk.plugins.sockets.web_socket import WebServing, WebSocketServer

    ours, theirs = memory_stream_pair()
    theirs.peer = f"{peer}:4000"
    ours.deliver_to(lambda data: None, lambda error: None)
    stream: Any = WebSocketServer(theirs, WebServing(proxies=(PROXY,), ping=0))
    stream.start()
    ours.send(before + request(headers))
    await wait_until_idle()
    try:
        await stream.opened() if stream.opening.value != "begun" else None
        opened = stream.opening.value == "done"
    except ChatError:
        opened = False
    counted = str(stream.peer)
    for end in (stream, ours):
        end.close()
    return opened, counted


def request(headers: Mapping[str, str]) -> bytes:
    """The opening of a WebSocket, with these headers besides."""
    fields = {
        "Host": SERVER, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": "plytalk.1",
    }  # fmt: skip
    lines = {**fields, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return "\r\n".join(["GET / HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items()), "", ""]).encode()


class ForgedSource(WebCaller):
    """Claims another source address, as only a named proxy may: in X-Forwarded-For, at its left end, and in a PROXY line.

    A server that believes it counts every connection of one attacker for another source, or for one on the server's machine.
    """

    name = "forged-source"
    threat = "A42"
    reference = "Rails CVE-2011-3187, which took the client's address from a header of its choice"

    async def finish(self, interceptor: Interceptor) -> None:
        attempts = {
            f"a peer that is not the proxy sent X-Forwarded-For: {FORGED}": (STRANGER, b"", FORGED),
            f"a peer that is not the proxy sent X-Forwarded-For: {LOCAL}": (STRANGER, b"", LOCAL),
            f"a peer sent the proxy X-Forwarded-For: {FORGED}, to which it added the peer's address": (
                PROXY, b"", f"{FORGED}, {STRANGER}",
            ),
            "a peer that is not the proxy began with a PROXY line": (STRANGER, PROXY_LINE, ""),
        }  # fmt: skip
        for what, (peer, before, forwarded) in attempts.items():
            headers = {"X_Forwarded_For": forwarded} if forwarded else {}
            _, counted = await asked(peer, before, **headers)
            interceptor.log(f"said where it came from: {what}; the server counts it as {counted}")
            if not counted.startswith(f"{STRANGER}:"):
                self._got_through.append(what)


class OtherOrigin(WebCaller):
    """Is a page from another origin that a member has open, which connects to the server on the member's machine or network.

    Browsers let every page open WebSockets to every address. Only the server can refuse, by the page's origin, and not by a name
    that may lead anywhere.
    """

    name = "other-origin"
    threat = "A56"
    reference = "cross-site WebSocket hijacking, such as Gitpod CVE-2023-0957"

    async def finish(self, interceptor: Interceptor) -> None:
        for origin, host in origins():
            opened, _ = await asked(STRANGER, Origin=origin, Host=host)
            interceptor.log(
                f"was a page of {origin} that asked {host} for a WebSocket, and {'got one' if opened else 'was refused'}"
            )
            if opened:
                self._got_through.append(origin)


def origins() -> Iterator[tuple[str, str]]:
    """Origins of pages, and the host by which each asks: another page, one whose name leads to the server, one without a name."""
    yield "https://evil.example", SERVER
    yield "http://evil.example", "evil.example"
    yield "null", f"{LOCAL}:8080"
    yield f"https://{SERVER}.evil.example", SERVER


@hookimpl
def attacks() -> list[type[Attack]]:
    return [ForgedSource, OtherOrigin]
