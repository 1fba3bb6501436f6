"""TCP over IPv4 and IPv6 (RFC 9293), by address or by name."""

from collections.abc import Sequence

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.sockets import tcp_sockets
from plytalk.plugins.sockets.dialling import PATIENCE, PROXY, DiallingTransport

FORWARDER = Option(
    "forwarder",
    "Addresses of programs that forward to this server, such as Tor or ssh -R. Each of their connections has its own limits.",
    metavar="ADDRESS,...",
    role=Role.RESPONDER,
)
LINE = Option(
    "proxy-line",
    "A connection from a forwarder begins with a PROXY line with the client's address, as HAProxy and Tor can send it.",
    bool,
    False,
    role=Role.RESPONDER,
)


class Tcp(DiallingTransport):
    """TCP over IPv4 and IPv6."""

    name = "tcp"
    options = (FORWARDER, LINE, PROXY)

    def __init__(self, proxy: str | None = None, forwarder: str | None = None, proxy_line: bool = False) -> None:
        super().__init__(proxy)
        self._forwarders: Sequence[str] = ()
        self._has_line = proxy_line
        if forwarder:
            from plytalk.plugins.sockets.forwarding import networks

            self._forwarders, self.patience = networks(forwarder, FORWARDER.name), PATIENCE
        elif proxy_line:
            raise Usage("--proxy-line needs --forwarder, which says whose connections begin with one.", "For Tor: 127.0.0.1.")

    async def listen(self, host: str, port: int) -> Listener:
        listener = await tcp_sockets.listen(host, port)
        if not self._forwarders:
            return listener
        from plytalk.plugins.sockets.forwarding import ForwardedListener

        return ForwardedListener(listener, self._forwarders, self._has_line)

    async def connect(self, host: str, port: int) -> Stream:
        return await self.reached(host, port)


@hookimpl
def layers() -> list[type[Tcp]]:
    return [Tcp]
