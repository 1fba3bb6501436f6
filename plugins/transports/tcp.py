"""TCP over IPv4 and IPv6 (RFC 9293), by address or by name."""

from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.sockets import tcp_sockets
from plytalk.plugins.sockets.dialling import DiallingTransport


class Tcp(DiallingTransport):
    """TCP over IPv4 and IPv6."""

    name = "tcp"

    async def listen(self, host: str, port: int) -> Listener:
        return await tcp_sockets.listen(host, port)

    async def connect(self, host: str, port: int) -> Stream:
        return await self.reached(host, port)


@hookimpl
def layers() -> list[type[Tcp]]:
    return [Tcp]
