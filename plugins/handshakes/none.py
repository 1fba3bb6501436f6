"""No handshake: the conversation begins with its first byte."""

from plytalk.core.contracts.handshake import Handshake, HandshakeIO
from plytalk.core.contracts.peers import SessionSecrets
from plytalk.core.registry.hookspecs import hookimpl


class NoHandshake(Handshake):
    """No handshake: the two sides agree on no keys."""

    name = "none"
    prefers = {"cipher": "none"}

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        return SessionSecrets.none()

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        return SessionSecrets.none()


@hookimpl
def layers() -> list[type[NoHandshake]]:
    return [NoHandshake]
