"""Frames of plytalk/1: how long, then what (Noise, section 13).

+-----------------+---------+
| length (u16 BE) | payload |      65,535 bytes at most, as a Noise message has
+-----------------+---------+
"""

from struct import Struct

from plytalk.core.bases.header_framer import HeaderFramer
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl


class U16(HeaderFramer):
    """A 2-byte big-endian length before each frame."""

    name = "u16"
    gives = {Property.BOUNDARIES}
    prefers = {"handshake": "plytalk1", "cipher": "noise", "messages": "records"}
    header = Struct(">H")
    longest = 65535


@hookimpl
def layers() -> list[type[U16]]:
    return [U16]
