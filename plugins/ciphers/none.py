"""No cipher: what is said is what is sent."""

from plytalk.core.hookspecs import hookimpl
from plytalk.core.keys import Role, Secrets
from plytalk.core.layers import Cipher


class NoCipher(Cipher):
    """Plaintext, for everyone on the way to read and to change."""

    name = "none"
    prefers = {"framer": "raw", "handshake": "none"}

    def __init__(self, secrets: Secrets, role: Role) -> None:
        pass

    def seal(self, plaintext: bytes) -> bytes:
        return plaintext

    def open(self, sealed: bytes) -> bytes:
        return sealed


@hookimpl
def layers() -> list[type[NoCipher]]:
    return [NoCipher]
