"""Tamper at the start: flip a bit of the first byte."""

from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Tampering


class TamperFirst(Tampering):
    """Flips the first bit of a frame: where there is a nonce, a bit of the nonce.

    What stands before the ciphertext has to be covered as well.
    """

    name = "tamper-first"
    deed = "flipped the first bit of"

    def changed(self, payload: bytes) -> bytes:
        return bytes([payload[0] ^ 1]) + payload[1:]


@hookimpl
def layers() -> list[type[TamperFirst]]:
    return [TamperFirst]
