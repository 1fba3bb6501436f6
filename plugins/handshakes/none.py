"""No handshake: the conversation begins with its first byte."""

from plytalk.core.hookspecs import hookimpl
from plytalk.core.keys import Secrets
from plytalk.core.layers import Handshake
from plytalk.core.wire import Wire


class NoHandshake(Handshake):
    """Nothing is agreed on, so there are no keys."""

    name = "none"
    prefers = {"cipher": "none"}

    async def initiate(self, wire: Wire) -> Secrets:
        return Secrets.none()

    async def respond(self, wire: Wire) -> Secrets:
        return Secrets.none()


@hookimpl
def layers() -> list[type[NoHandshake]]:
    return [NoHandshake]
