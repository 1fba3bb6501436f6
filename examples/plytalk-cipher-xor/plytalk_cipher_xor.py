"""Repeating XOR: the smallest cipher there is, to be taken apart.

Each byte is XORed with the next byte of the key, which starts over with each message: the same text twice is the plaintext again.
"""

from collections.abc import Iterable
from itertools import cycle

from plytalk import Cipher, HandshakeFailed, Passed, Property, Role, SessionSecrets, Span, hookimpl


class Xor(Cipher):
    """Each byte XORed with a repeating key, for lessons only."""

    name = "xor"
    needs = {Property.KEYS}
    gives = frozenset()  # it looks like gibberish and protects nothing
    prefers = {"framer": "typed", "handshake": "rsa", "messages": "text"}
    caution = (
        "The cipher `xor` is a toy: anyone who can guess one message can read all others (ciphertext XOR "
        "plaintext is the key), and a bit that is flipped on the way is flipped in the text."
    )

    def __init__(self, secrets: SessionSecrets, role: Role) -> None:
        if not (secrets.send and secrets.receive):
            raise HandshakeFailed("The cipher `xor` needs a key, and the handshake left none.")
        self._send, self._receive = secrets.send, secrets.receive

    def seal(self, plaintext: bytes) -> bytes:
        return xor(plaintext, self._send)

    def open(self, sealed: bytes) -> bytes:
        return xor(sealed, self._receive)

    def fields(self, message: Passed) -> Iterable[Span]:
        yield Span("ciphertext", 0, len(message.data), made_of="each byte of the plaintext, the next byte of the key")


def xor(data: bytes, key: bytes) -> bytes:
    return bytes(byte ^ other for byte, other in zip(data, cycle(key), strict=False))


@hookimpl
def layers() -> list[type[Xor]]:
    return [Xor]
