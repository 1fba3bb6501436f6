"""Addresses that choose their transport: ws://HOST[:PORT][/PATH], wss://..., and NAME@RELAY.

NAME is a number or SHA256:..., RELAY is HOST[:PORT], or itself ws://... or wss://...

The link to a server's page, https://HOST[:PORT]/#SHA256:..., is one too: for the WebSocket of that page, and that key.
"""

import re
from typing import NamedTuple

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.io.address import Address, join_address, parse_address
from plytalk.core.io.web_address import is_web_address, read_web_address

_PAGE = r"(?i:http(s?))://([^/?#@]+)/#(SHA256:[A-Za-z0-9+/]{43})"

_WEB = r"(?i:http(s?))://([^/?#]*)"

_RELAYED = r"(SHA256:[A-Za-z0-9+/]{43}|[0-9]{1,6})@(.*)"
"""The relay may be left out: then it is that of the config file."""


class Url(NamedTuple):
    """A transport, the address behind its scheme, and the path; empty where there is none but /."""

    transport: str
    address: Address
    path: str


def is_url(text: str) -> bool:
    """Whether this is such an address, or begins as such a URL does."""
    return is_web_address(text) or bool(re.fullmatch(_RELAYED, text) or re.fullmatch(_PAGE, text))


def key_named(text: str) -> str:
    """The fingerprint by which an address names its server at a relay, or the link to its page does; empty for others."""
    if page := re.fullmatch(_PAGE, text):
        return page[3]
    found = re.fullmatch(_RELAYED, text)
    return found[1] if found and found[1].startswith("SHA256:") else ""


def read_url(text: str) -> Url:
    """Read such an address. Raises Usage."""
    if relayed := re.fullmatch(_RELAYED, text):
        return Url("relay", relay_address(relayed[2]) if relayed[2] else Address(""), "")
    if page := re.fullmatch(_PAGE, text):
        text = f"ws{page[1].lower()}://{page[2]}/ws"
    return Url(*read_web_address(text))


def relay_address(text: str) -> Address:
    """The address of a relay, which may be that of a web server. Raises Usage."""
    return read_web_address(text).address if is_web_address(text) else parse_address(text)


def url_of(transport: str, address: str) -> str:
    """How the other side writes the address of a listener."""
    return f"{transport}://{address}/"


def _refuse_page(text: str) -> None:
    """Raise Usage for the address of a page, which is not its whole link."""
    if (page := re.match(_WEB, text)) and not re.fullmatch(_PAGE, text):
        raise Usage(
            f"'{shorten(text)}' is the address of a page, to be opened in a browser.",
            f"If it is the page of `chat serve --web`, connect to ws{page[1].lower()}://{shorten(page[2]) or 'HOST'}/ws; "
            "or give its whole link, which ends with #SHA256: and 43 characters.",
        )


def address_in(text: str) -> str:
    """HOST:PORT of a URL; any other text as it is. Raises Usage."""
    _refuse_page(text)
    if not is_url(text) or re.fullmatch(_RELAYED, text):
        return text
    address = read_url(text).address
    return join_address(address.host, address.port or 0)
