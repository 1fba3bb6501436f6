"""The address by which others reach this machine, in place of the wildcard that a server listens at."""

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address

from plytalk.core.io.address import EVERY_NETWORK

FAR = {socket.AF_INET6: "2001:db8::1", socket.AF_INET: "192.0.2.1"}
"""Addresses on no local network (RFC 3849, RFC 5737): towards them, this machine sends from its address on the default route."""
MULTICAST = {socket.AF_INET6: "ff0e::1", socket.AF_INET: "224.0.0.1"}
"""Addresses that every interface can send to: towards them, an interface's address is found even without a default route."""
LOOPBACK = ("127.0.0.1", "::1")


def own_address(wildcard: str) -> str:
    """Return the address to show in place of 0.0.0.0, or of ::, which means both families. A link-local address has its zone.

    If this machine is in no network, return a loopback address.
    """
    families = [family for family in FAR if wildcard == EVERY_NETWORK or family is socket.AF_INET]
    far = (_sends_from(family, FAR[family]) for family in families)
    found = next(filter(None, far), "") or next(iter(sorted(_of_interfaces(families), key=_is_link_local)), "")
    return found or next(filter(_is_ours, LOOPBACK), LOOPBACK[0])


def _of_interfaces(families: list[socket.AddressFamily]) -> Iterator[str]:
    for family in families:
        with suppress(OSError):  # some systems refuse to list the interfaces
            for index, _ in socket.if_nameindex():
                if address := _sends_from(family, MULTICAST[family], index):
                    yield address


def _sends_from(family: socket.AddressFamily, there: str, interface: int = 0) -> str:
    """The address from which this machine would send there, by this interface or its usual one; empty where it cannot."""
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asking:
        if interface and family is socket.AF_INET6:
            asking.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, interface)
        elif interface:
            asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("4s4si", b"", b"", interface))
        asking.connect((there, 9))  # sends nothing
        found = ip_address(asking.getsockname()[0].partition("%")[0])
        if not (found.is_loopback or found.is_unspecified):
            return f"{found}%{socket.if_indextoname(interface)}" if found.version == 6 and found.is_link_local else str(found)
    return ""


def _is_link_local(address: str) -> bool:
    return ip_address(address.partition("%")[0]).is_link_local


def _is_ours(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.bind((address, 0))
        return True
    return False
