"""No handshake: the conversation begins with its first byte."""

from collections.abc import Collection

from plytalk.core.contracts.handshake import Handshake, HandshakeIO
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.registry.hookspecs import hookimpl

MODEL = """// no handshake, and plaintext
attacker[active]

principal Client[
\tknows private word1
]

Client -> Server: word1

principal Server[
\theard1 = HASH(word1)
]

queries[
\tconfidentiality? word1
\tauthentication? Client -> Server: word1
]
"""


class NoHandshake(Handshake):
    """No handshake: the two sides agree on no keys."""

    name = "none"
    prefers = {"cipher": "none"}

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        return SessionSecrets.none()

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        return SessionSecrets.none()

    def verifpal_model(self, known: Collection[Role], agrees: bool) -> str:
        return MODEL


@hookimpl
def layers() -> list[type[NoHandshake]]:
    return [NoHandshake]
