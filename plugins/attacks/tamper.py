"""Tamper: flip one bit."""

from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Tampering


class Tamper(Tampering):
    """Flips one bit, drawn by the seed, of one frame.

    In a stream cipher a flipped bit of the ciphertext is a flipped bit of the words: 100 becomes 900, without any key.
    """

    name = "tamper"
    deed = "flipped a bit of"

    def changed(self, payload: bytes) -> bytes:
        place = self.random.randrange(len(payload) * 8)
        return bytes(byte ^ (1 << place % 8 if at == place // 8 else 0) for at, byte in enumerate(payload))


@hookimpl
def layers() -> list[type[Tamper]]:
    return [Tamper]
