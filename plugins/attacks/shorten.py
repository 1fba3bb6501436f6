"""Shorten: cut the last byte off a message."""

from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Tampering


class Shorten(Tampering):
    """Sends a frame without its last byte, under a header that says so.

    The frame is well formed; only what is in it is not whole.
    """

    name = "shorten"
    deed = "cut the last byte off"

    def changed(self, payload: bytes) -> bytes:
        return payload[:-1]


@hookimpl
def layers() -> list[type[Shorten]]:
    return [Shorten]
