"""No cipher: what is said is what is sent."""

from collections.abc import Iterator

from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.spans import Passed, Span
from plytalk.core.registry.hookspecs import hookimpl


class NoCipher(Cipher):
    """Plaintext: anyone on the network path can read and change it."""

    name = "none"
    prefers = {"framer": "raw", "handshake": "none"}

    def __init__(self, secrets: SessionSecrets, role: Role) -> None:
        pass

    def seal(self, plaintext: bytes) -> bytes:
        return plaintext

    def open(self, sealed: bytes) -> bytes:
        return sealed

    def fields(self, message: Passed) -> Iterator[Span]:
        yield Span("plaintext", 0, len(message.data), made_of="the messages layer; nothing is done to it")


@hookimpl
def layers() -> list[type[NoCipher]]:
    return [NoCipher]
