"""Addresses that choose their transport: ws://HOST[:PORT][/PATH], wss://..., and NAME@RELAY (a number, or SHA256:...).

The link to a server's page, https://HOST[:PORT]/#SHA256:..., is one too: for the WebSocket of that page, and that key.
"""

import re
from typing import NamedTuple

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.io.address import Address, join_address, parse_address

PORTS = {"ws": 80, "wss": 443}
"""The schemes, each the name of its transport, with the port that it has where none is written (RFC 6455 section 3)."""

_URL = re.compile(r"((?i:wss?))://([^/?#@]*)(/[!\"$->@-~]*)?")  # the path: printable ASCII without ? and #
_PAGE = re.compile(r"(?i:http(s?))://([^/?#@]+)/#(SHA256:[A-Za-z0-9+/]{43})")

_RELAYED = re.compile(r"(SHA256:[A-Za-z0-9+/]{43}|[0-9]{1,6})@(.+)")


class Url(NamedTuple):
    """A transport, the address behind its scheme, and the path; empty where there is none but /."""

    transport: str
    address: Address
    path: str


def is_url(text: str) -> bool:
    """Whether this is such an address, or begins as such a URL does."""
    return text.lower().startswith(("ws://", "wss://")) or bool(_RELAYED.fullmatch(text) or _PAGE.fullmatch(text))


def key_named(text: str) -> str:
    """The fingerprint by which an address names its server at a relay, or the link to its page does; empty for others."""
    if page := _PAGE.fullmatch(text):
        return page[3]
    found = _RELAYED.fullmatch(text)
    return found[1] if found and found[1].startswith("SHA256:") else ""


def read_url(text: str) -> Url:
    """Read such an address. Raises Usage."""
    if relayed := _RELAYED.fullmatch(text):
        return Url("relay", parse_address(relayed[2]), "")
    if page := _PAGE.fullmatch(text):
        text = f"ws{page[1].lower()}://{page[2]}/ws"
    found = _URL.fullmatch(text.strip())
    if not found:
        raise Usage(f"'{shorten(text)}' is not ws://HOST[:PORT][/PATH].", "For example: wss://chat.example.org/room.")
    scheme, path = found[1].lower(), found[3] or ""
    address = parse_address(found[2])
    port = PORTS[scheme] if address.port is None else address.port
    return Url(scheme, Address(address.host, port), path.removesuffix("/") if path == "/" else path)


def url_of(transport: str, address: str) -> str:
    """How the other side writes the address of a listener."""
    return f"{transport}://{address}/"


def address_in(text: str) -> str:
    """HOST:PORT of a URL; any other text as it is. Raises Usage."""
    if not is_url(text) or _RELAYED.fullmatch(text):
        return text
    address = read_url(text).address
    return join_address(address.host, address.port or 0)
