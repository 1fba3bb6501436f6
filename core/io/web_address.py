"""Addresses of WebSockets as people write them, ws://HOST[:PORT][/PATH] and wss://... (RFC 6455 section 3)."""

import re
from typing import NamedTuple

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.io.address import Address, join_address, parse_address, zone_in_url

PORTS = {"ws": 80, "wss": 443}
"""The schemes, with the port that each has where none is written."""

_URL = r"((?i:wss?))://([^/?#@]*)(/[!\"$->@-~]*)?"  # the path: printable ASCII without ? and #


class WebAddress(NamedTuple):
    """A scheme, the address behind it, with a port, and the path; empty where there is none but /."""

    scheme: str
    address: Address
    path: str

    def __str__(self) -> str:
        host, port = self.address.host, self.address.port or PORTS[self.scheme]
        shown = join_address(host, port)
        return f"{self.scheme}://{shown.removesuffix(f':{port}') if port == PORTS[self.scheme] else shown}{self.path}"


def is_web_address(text: str) -> bool:
    """Whether this is such an address, or begins as one does."""
    return text.lower().startswith(("ws://", "wss://"))


def read_web_address(text: str) -> WebAddress:
    """Read such an address. Raises Usage."""
    found = re.fullmatch(_URL, text.strip())
    if not found:
        raise Usage(f"'{shorten(text)}' is not ws://HOST[:PORT][/PATH].", "For example: wss://chat.example.org/room.")
    scheme, path = found[1].lower(), found[3] or ""
    address = parse_address(zone_in_url(found[2]))
    port = PORTS[scheme] if address.port is None else address.port
    return WebAddress(scheme, Address(address.host, port), path.removesuffix("/") if path == "/" else path)
