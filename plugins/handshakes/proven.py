"""No handshake where the transport has had one: the key that the peer has proven there is the one that authenticators judge."""

from plytalk.core.contracts.handshake import Handshake, HandshakeIO, negotiating
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl


class ProvenKey(Handshake):
    """No messages: the transport has proven the client's key, as ssh does."""

    name = "proven"
    needs = {Property.PEER_KEY}
    prefers = {"cipher": "none"}
    shows = {Role.INITIATOR}

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        return SessionSecrets.none()

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        if key := negotiating(io).proven:
            await io.ask(key)
        return SessionSecrets.none()


@hookimpl
def layers() -> list[type[ProvenKey]]:
    return [ProvenKey]
