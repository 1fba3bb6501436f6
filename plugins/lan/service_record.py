"""What is said of a server on the local network (RFC 6763): its name, and the few words of its TXT record.

    fp=SHA256:...    the fingerprint of the server's key, where it has one
    v=1              the stack: 1 for plytalk/1, 0 for any other
    t=ws             the transport, where it is not TCP

What comes from the network is checked here. It is the claim of a neighbour, and decides nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from plytalk.core.contracts.public_key import parse_fingerprint

SERVICE = "_plytalk._tcp.local."
MAX_TEXT = 1300
"""The longest TXT record that is read, in bytes (RFC 6763 section 6.2)."""
MAX_LABEL = 63
TRANSPORTS = ("tcp", "ws", "wss", "tls")
"""Those that are announced, by the names that they have here."""

_HOST_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class ServiceText:
    """The TXT record of a server; what is missing or malformed in one that was received is None."""

    fingerprint: str | None
    is_default: bool
    transport: str | None

    def entries(self) -> dict[str, str]:
        """The record, as it is sent."""
        found = {"v": "1" if self.is_default else "0"}
        if self.fingerprint:
            found["fp"] = self.fingerprint
        if self.transport and self.transport != TRANSPORTS[0]:
            found["t"] = self.transport
        return found

    @classmethod
    def read(cls, raw: bytes, entries: Mapping[bytes, bytes | None]) -> "ServiceText":
        """What a record says, as received: its bytes, and these taken apart."""
        if len(raw) > MAX_TEXT:
            return cls(None, False, None)
        transport = (entries.get(b"t") or TRANSPORTS[0].encode()).decode(errors="replace")
        return cls(
            fingerprint=_fingerprint(entries.get(b"fp")),
            is_default=entries.get(b"v") == b"1",
            transport=transport if transport in TRANSPORTS else None,
        )


def _fingerprint(raw: bytes | None) -> str | None:
    try:
        return parse_fingerprint((raw or b"").decode())
    except ValueError:
        return None


def host_label(text: str) -> str:
    """A name as a label that can be written in an address: of `Bob's PC` it is `bob-s-pc`; empty where nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:MAX_LABEL].strip("-")


def is_host_label(text: str) -> bool:
    """Whether a name can be written as NAME.local in an address."""
    return bool(_HOST_LABEL.fullmatch(text.lower()))
