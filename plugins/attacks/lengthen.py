"""Lengthen: add a byte to a message."""

from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Tampering


class Lengthen(Tampering):
    """Sends a frame with one byte more, under a header that says so.

    Length extension, in its plainest form: nobody said the last letter.
    """

    name = "lengthen"
    deed = "added a byte to"

    def changed(self, payload: bytes) -> bytes:
        return payload + b"!"


@hookimpl
def layers() -> list[type[Lengthen]]:
    return [Lengthen]
