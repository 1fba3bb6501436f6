"""Frames of secure-chat: what it is, how long, then what.

+-----------+-----------------+---------+
| type (u8) | length (u32 BE) | payload |      types: K public key, S session key, M message
+-----------+-----------------+---------+
"""

from struct import Struct

from plytalk.core.bases.header_framer import HeaderFramer
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl


class Typed(HeaderFramer):
    """A 1-byte type and a 4-byte big-endian length before each frame."""

    name = "typed"
    gives = {Property.BOUNDARIES}
    prefers = {"handshake": "rsa", "cipher": "aesgcm", "messages": "text"}
    header = Struct(">cI")
    typed = True


@hookimpl
def layers() -> list[type[Typed]]:
    return [Typed]
