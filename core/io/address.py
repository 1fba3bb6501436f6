"""Addresses as people write them, HOST[:PORT]: one reader for every argument, option, variable and file.

Understood are names (international ones too, by RFC 3490; with a final dot too), IPv4 and IPv6 addresses, with brackets or
without, with a zone (RFC 4007 section 11), and each of them in a URL `plytalk://HOST:PORT` or `tcp://HOST:PORT`. One host has
one spelling afterwards, so that it is looked up in known_hosts under one name. All else is refused in words.
"""

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from msgspec import Struct

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.sanitise import shorten

EVERY_NETWORK = "::"
"""The host to listen on for all networks, IPv4 and IPv6."""

LOCAL = ".local"
"""What names on the local network end with (RFC 6762 section 3)."""

PORTS = "a port is a number from 1 to 65535"
MAX_TEXT = 512
MAX_NAME, MAX_LABEL = 253, 63  # RFC 1035 section 2.3.4
OUR_SCHEMES = ("plytalk", "tcp")

_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)"
_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?"
_NUMBER = r"[0-9]+|0[xX][0-9A-Fa-f]*"
_ZONE = r"[A-Za-z0-9._-]{1,32}"
_AMBIGUOUS = "[\u00df\u03c2\u200c\u200d]"  # IDNA 2003 and IDNA 2008 make different names of these (RFC 5894, 7.2)
_EXAMPLES = "Write HOST or HOST:PORT, for example chat.example.org, 192.0.2.7:8000 or [2001:db8::7]:8000."


class Address(Struct, frozen=True):
    """A host, fit to be looked up, and the port if one was written."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        return self.host if self.port is None else join_address(self.host, self.port)


def join_address(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_address(text: str, *, listen: bool = False) -> Address:
    """Read an address; to `listen` on, it may be `*` for every network and port 0 for any free one. Raises Usage."""
    written = shorten(text)
    if not text.strip():
        raise Usage("The address is empty.", _EXAMPLES)
    if len(text) > MAX_TEXT:
        raise Usage(f"'{written}' is too long for an address: it has {len(text):,} characters.", _EXAMPLES)
    if re.search(r"\s|[\x00-\x1f\x7f]", text.strip()):
        raise Usage(f"'{written}' is not an address: there is a space or a control character in it.", _EXAMPLES)
    host, port = _parts(_without_scheme(text.strip(), written), written)
    try:
        number = None if port is None else parse_port(port, lowest=0 if listen else 1)
    except Usage as error:
        raise Usage(f"'{written}' is not HOST or HOST:PORT. {error}") from None
    if host == "*":
        if listen:
            return Address(EVERY_NETWORK, number)
        raise Usage(f"'{written}' means every network, which a server can listen on and nobody can connect to.", _EXAMPLES)
    return Address(_host(host, written), number)


def parse_port(text: str, lowest: int = 1) -> int:
    """Read a port: ASCII digits alone. Raises Usage."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or not lowest <= int(text) < 1 << 16:
        raise Usage(f"'{shorten(text)}' is not a port: {PORTS}{', or 0 for any free one' * (not lowest)}.")
    return int(text)


def _without_scheme(text: str, written: str) -> str:
    url = re.fullmatch(_SCHEME, text)
    if not url:
        if "/" in text:
            raise Usage(f"'{written}' is not an address: there is a slash in it.", _EXAMPLES)
        return text
    scheme, rest = url[1].lower(), url[2].removesuffix("/")
    bare = re.split(r"[/?#]", rest)[0].rpartition("@")[2]
    if scheme not in OUR_SCHEMES:
        raise Usage(
            f"'{written}' is an address for another kind of program: plytalk does not speak {scheme}.",
            f"If a plytalk server is there, give its address alone: {shorten(bare) or 'HOST:PORT'}",
        )
    if rest != bare:
        raise Usage(f"'{written}' contains more than a host and a port.", f"Give these alone: {shorten(bare) or 'HOST:PORT'}")
    return zone_in_url(rest)


def zone_in_url(text: str) -> str:
    """The host and port of a URL, where the percent sign before a zone is written %25 (RFC 6874)."""
    return text.replace("%25", "%")


def _parts(text: str, written: str) -> tuple[str, str | None]:
    """The host without brackets and the port, which is still text."""
    if "@" in text:
        name = shorten(text.rpartition("@")[2])
        if text.startswith("@"):
            raise Usage(f"'{written}' is the name of a contact; an address is needed here.", "`chat keys list` shows theirs.")
        raise Usage(f"'{written}' is not an address: an address has no user name.", f"Give the host alone: {name}")
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise Usage(f"'{written}' is not an address.", "With brackets it is [HOST] or [HOST]:PORT, for example [::1]:8000.")
        port = rest[1:] if rest else None
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, None
    if not host:
        raise Usage(f"'{written}' has no host.", _EXAMPLES)
    if port == "":
        raise Usage(f"'{written}' has no port after its colon.", f"Leave out the colon, or write the port: {PORTS}.")
    return host, port


def _host(host: str, written: str) -> str:
    if ":" in host:
        return _ipv6(host, written)
    name = _ascii(host, written).removesuffix(".")
    labels = name.split(".")
    if re.fullmatch(_NUMBER, labels[-1]):
        try:
            return str(ip_address(name))
        except ValueError:
            raise Usage(
                f"'{written}' is not an IPv4 address.", "That is four numbers from 0 to 255, without leading zeros: 192.0.2.7."
            ) from None
    if name.startswith("-"):
        raise Usage(f"'{written}' is not a host: a name does not begin with a hyphen.", "Options go before or after the address.")
    if not name or len(name) > MAX_NAME or any(len(label) > MAX_LABEL for label in labels):
        raise Usage(
            f"'{written}' is not a host: a name has 1 to {MAX_LABEL} characters between dots, and at most {MAX_NAME} in all.",
            _EXAMPLES,
        )
    if bad := next((label for label in labels if not re.fullmatch(_LABEL, label)), None):
        raise Usage(
            f"'{written}' is not a host: '{shorten(bad)}' has more in it than letters, digits and hyphens.",
            _EXAMPLES,
        )
    if "" in labels:
        raise Usage(f"'{written}' is not a host: there is nothing between two of its dots.", _EXAMPLES)
    return name.lower()


def _ipv6(host: str, written: str) -> str:
    bare, percent, zone = host.partition("%")
    try:
        address = IPv6Address(bare)
    except ValueError:
        raise Usage(f"'{written}' is not an IPv6 address.", _EXAMPLES) from None
    if percent and not re.fullmatch(_ZONE, zone):
        raise Usage(f"'{written}' has no network interface behind its percent sign.", "Write, for example, fe80::1%eth0.")
    if address.is_link_local and not percent:
        raise Usage(
            f"'{written}' is an address of one network link only, and does not say of which.",
            f"Write this machine's network interface behind it: {address}%eth0, for example.",
        )
    return f"{address}%{zone}" if address.is_link_local else str(address.ipv4_mapped or address)


def _ascii(name: str, written: str) -> str:
    if name.isascii():
        return name
    if re.search(_AMBIGUOUS, name.lower()):
        raise Usage(
            f"'{written}' is not one host: two standards make different names of it.",
            "Write its ASCII form, xn--..., which the server's owner knows.",
        )
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        raise Usage(
            f"'{written}' is not a host that can be looked up.", "Write its ASCII form, xn--..., if it has one."
        ) from None


def is_ip_address(host: str) -> bool:
    """Whether a host is an IP address and not a name."""
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def is_local(peer: str) -> bool:
    """Whether a peer is on this machine, by its address as a stream shows it: there one user may well be both ends."""
    return _is_loopback(peer.rpartition(":")[0].strip("[]")) or "/" in peer or peer.startswith("memory:")


@lru_cache(1024)
def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return not host
