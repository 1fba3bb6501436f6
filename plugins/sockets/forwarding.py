"""Peers that come through another program in front of a server: a web server, Tor, HAProxy, or `ssh -R`.

All of them connect from one address, often this machine's. The program in front says where they come from. If it does not, each
connection is counted separately, and never as one of this machine.
"""

import re
from collections.abc import Callable, Sequence
from ipaddress import IPv6Network, ip_address, ip_network

from plytalk.core.bases.filter_stream import FilterStream, Opening
from plytalk.core.contracts.errors import HandshakeFailed, Usage
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.contracts.wire import IN, CutWire
from plytalk.core.io.address import is_ip_address, is_local, join_address
from plytalk.plugins.sockets.opening_units import END_OF_LINE, cut_nothing, cut_opening, line

PROXIED = "proxied-"
"""What the address of a peer behind a proxy begins with where it is not known, or is one of the proxy's own machine: such a
peer must not count as one of this machine."""
MAX_LINE = 107
"""Bytes of the longest PROXY line (HAProxy's PROXY protocol, section 2.1)."""
CIRCUITS = IPv6Network("fc00:dead:beef:4dad::/64")
"""Where Tor puts the number of a circuit, as an address (tor(1), HiddenServiceExportCircuitID)."""

IN_FRONT = "Have it send version 1 of the PROXY protocol, or leave out --proxy-line."

_LINE = re.compile(rb"PROXY (?:TCP[46] ([0-9A-Fa-f:.]+) [0-9A-Fa-f:.]+ [0-9]{1,5} [0-9]{1,5}|UNKNOWN[^\r]*)")


def networks(text: str | None, option: str) -> list[str]:
    """The addresses and networks in the list that an option gives. Raises Usage."""
    found = [one.strip() for one in text.split(",")] if text else []
    for one in found:
        try:
            ip_network(one, strict=False)
        except ValueError:
            raise Usage(f"--{option} takes addresses, and '{shorten(one)}' is none.", "For example: 127.0.0.1,::1.") from None
    return found


def is_among(peer: str, networks: Sequence[str]) -> bool:
    """Whether a peer's address is in one of these networks."""
    try:
        host = ip_address(peer.rpartition(":")[0].strip("[]"))
    except ValueError:
        return False
    return any(host in ip_network(network, strict=False) for network in networks)


def proxied(proxy: str, forwarded: str) -> str:
    """The address of a peer behind a proxy: the rightmost that the proxy names, with the port of the proxy's connection.

    What stands to the left of it was said by the peer itself. Where the proxy says nothing, every connection counts for
    itself.
    """
    host, _, port = proxy.rpartition(":")
    said = forwarded.rpartition(",")[2].strip()
    if said.startswith("["):
        said = said[1:].partition("]")[0]
    elif said.count(":") == 1:
        said = said.partition(":")[0]
    if not is_ip_address(said):
        return f"{PROXIED}{host}-{port}:{port}"
    address = ip_address(said)
    if address in CIRCUITS:  # not one network, whose addresses count together
        return f"{PROXIED}circuit-{int(address) & 0xFFFFFFFF:08x}:{port}"
    peer = join_address(str(address), int(port))
    return f"{PROXIED}{peer}" if is_local(peer) else peer


class ProxyLine(FilterStream):
    """A connection from a program in front, which begins with a PROXY line: after it, `peer` is whom that names."""

    what = "the PROXY protocol, version 1"
    ends_with_below = True

    def __init__(self, below: Stream) -> None:
        super().__init__(below)
        self.peer = proxied(below.peer, "")
        self._line = b""

    def cut(self, way: str) -> CutWire:
        return cut_opening(END_OF_LINE, line) if way == IN else cut_nothing

    def take(self, data: bytes) -> None:
        if self.opening is Opening.DONE:
            self.deliver(data)
            return
        self._line += data
        said, end, rest = self._line.partition(END_OF_LINE)
        if len(said) > MAX_LINE or not b"PROXY ".startswith(said[:6]):
            raise HandshakeFailed("What is in front of this server does not begin with a PROXY line.", IN_FRONT)
        if end:
            if not (found := _LINE.fullmatch(said)):
                raise HandshakeFailed("What is in front of this server sent a PROXY line that is malformed.", IN_FRONT)
            self.peer, self._line = proxied(self.below.peer, (found[1] or b"").decode()), b""
            self.is_open()
            if rest:
                self.deliver(rest)

    def wrap(self, data: bytes) -> bytes:
        return data

    def wrap_end(self) -> bytes:
        return b""


class ForwardedListener(Listener):
    """A listener with a program in front, at these addresses, whose connections begin with a PROXY line or say nothing."""

    def __init__(self, below: Listener, forwarders: Sequence[str], has_line: bool) -> None:
        self._below, self._forwarders, self._has_line = below, forwarders, has_line
        self.address = below.address

    def screen(self, refuses: Callable[[str], bool]) -> None:
        self._below.screen(refuses)

    async def accept(self) -> Stream:
        stream = await self._below.accept()
        if not is_among(stream.peer, self._forwarders):
            return stream
        if self._has_line:
            stream = ProxyLine(stream)
            stream.start()
        else:
            stream.peer = proxied(stream.peer, "")
        return stream

    async def close(self) -> None:
        await self._below.close()
