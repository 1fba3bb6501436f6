"""TLS over TCP (RFC 8446), with a certificate for the server: for guests who run `ncat --ssl-verify` or `openssl s_client`."""

from typing import Any

from plytalk.core.bases.filter_listener import FilterListener, opened_client
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.sockets import tcp_sockets
from plytalk.plugins.sockets.dialling import PROXY
from plytalk.plugins.sockets.tls_stream import CAUTION, COVERS, OPTIONS, SecuredTransport, TlsFiles, TlsStream

OPEN_SECONDS = 10


class Tls(SecuredTransport):
    """TLS: the server shows a certificate, which clients verify."""

    name = "tls"
    options = (*OPTIONS, PROXY)
    covers = COVERS
    caution = CAUTION

    def __init__(self, **options: Any) -> None:
        self._files = TlsFiles.take(options)
        super().__init__(**options)

    async def listen(self, host: str, port: int) -> Listener:
        context = self._files.server()
        return FilterListener(await tcp_sockets.listen(host, port), lambda below: TlsStream(below, context))

    async def connect(self, host: str, port: int) -> Stream:
        return await opened_client(self._files.secured(await self.reached(host, port), host), OPEN_SECONDS)


@hookimpl
def layers() -> list[type[Tls]]:
    return [Tls]
