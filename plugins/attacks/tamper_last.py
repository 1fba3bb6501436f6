"""Tamper at the end: flip a bit of the last byte."""

from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Tampering


class TamperLast(Tampering):
    """Flips the last bit of a frame: where there is a tag, a bit of the tag.

    A tag that is compared only in part, or not at all, has been shipped before.
    """

    name = "tamper-last"
    deed = "flipped the last bit of"

    def changed(self, payload: bytes) -> bytes:
        return payload[:-1] + bytes([payload[-1] ^ 1])


@hookimpl
def layers() -> list[type[TamperLast]]:
    return [TamperLast]
