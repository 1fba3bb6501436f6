"""Frames of demo02: how long, then what.

+-----------------+---------+
| length (u32 BE) | payload |
+-----------------+---------+
"""

from struct import Struct

from plytalk.core.bases.header_framer import HeaderFramer
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl


class Length(HeaderFramer):
    """A 4-byte big-endian length before each frame."""

    name = "length"
    gives = {Property.BOUNDARIES}
    prefers = {"handshake": "rsa", "cipher": "aesgcm", "messages": "trimmed"}
    header = Struct(">I")


@hookimpl
def layers() -> list[type[Length]]:
    return [Length]
