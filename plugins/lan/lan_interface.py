"""The one network interface on which servers are announced and looked for, and how sockets are kept to it."""

import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface
from typing import Any

from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.core.contracts.sanitise import shorten

AUTO = "auto"
"""In place of a name: the interface by which this machine reaches its network."""
GROUP = "224.0.0.251"
"""Where questions and answers are sent (RFC 6762 section 3)."""
PORT = 5353

UP, LOOPBACK, POINT_TO_POINT = 0x1, 0x8, 0x10
GET_FLAGS, MULTICAST = (0xC0206911, 0x8000) if sys.platform == "darwin" else (0x8913, 0x1000)
"""The number of the system call SIOCGIFFLAGS, and a flag that it gives."""
BIND_TO_DEVICE = 25  # SO_BINDTODEVICE on Linux
BOUND_IF = {socket.AF_INET: (socket.IPPROTO_IP, 25), socket.AF_INET6: (socket.IPPROTO_IPV6, 125)}  # IP_BOUND_IF on macOS


@dataclass(frozen=True)
class LanInterface:
    """A network interface: its name, its number, and its addresses with the networks that they are in."""

    name: str
    index: int
    networks: tuple[IPv4Interface | IPv6Interface, ...]

    @property
    def addresses(self) -> list[str]:
        """Its addresses, IPv4 first; of the link alone with the zone."""
        return [self._written(one.ip) for one in sorted(self.networks, key=lambda one: (one.version, not one.is_link_local))]

    def written(self, address: str) -> str | None:
        """An address as this machine writes it, where it is on the network of this interface; None for others."""
        with suppress(ValueError):
            found = ip_address(address.partition("%")[0])
            if any(found in one.network for one in self.networks if one.version == found.version):
                return self._written(found)
        return None

    def _written(self, address: Any) -> str:
        return f"{address}%{self.name}" if address.version == 6 and address.is_link_local else str(address)


def choose_interface(given: str = AUTO) -> LanInterface:
    """The interface of a name or an address of this machine; with AUTO the one by which it reaches its network.

    Raises Usage where there is none of that name, or several could be meant; CannotConnect where none will do.
    """
    every = interfaces()
    if given != AUTO:
        found = next((one for one in every if given in (one.name, *one.addresses)), None)
        if found is None:
            raise Usage(f"This machine has no network interface {shorten(given)!r}.", _choices(every))
        if not _flags(found.name) & MULTICAST:
            raise Usage(f"The network interface {found.name} does not carry multicast.", _choices(usable(every)))
        return found
    candidates = usable(every)
    if not candidates:
        raise CannotConnect(
            "No network interface carries multicast, so no server can be announced or found.",
            "Connect this machine to a network, or give the address itself.",
        )
    usual = next((one for one in candidates if one.written(_outgoing())), None)
    if usual is None and len(candidates) > 1:
        raise Usage("This machine is in several networks, and none is its usual one.", _choices(candidates))
    return usual or candidates[0]


def interfaces() -> list[LanInterface]:
    """All interfaces of this machine that have addresses."""
    import ifaddr  # comes with zeroconf

    found: dict[str, list[IPv4Interface | IPv6Interface]] = {}
    for adapter in ifaddr.get_adapters():
        for one in adapter.ips:
            host = one.ip if isinstance(one.ip, str) else one.ip[0]
            found.setdefault(adapter.name, []).append(ip_interface(f"{host.partition('%')[0]}/{one.network_prefix}"))
    return [LanInterface(name, socket.if_nametoindex(name), tuple(addresses)) for name, addresses in found.items()]


def usable(every: Sequence[LanInterface]) -> list[LanInterface]:
    """Those that are up, carry multicast, and lead to a network: no loopback device and no tunnel."""
    wanted, unwanted = UP | MULTICAST, LOOPBACK | POINT_TO_POINT
    return [one for one in every if _flags(one.name) & (wanted | unwanted) == wanted]


def keep_to(interface: LanInterface, sock: Any) -> None:
    """Have a socket neither send nor receive on another interface. Raises CannotConnect where the system cannot do that."""
    try:
        if sys.platform == "darwin":
            sock.setsockopt(*BOUND_IF[sock.family], interface.index)
        else:
            sock.setsockopt(socket.SOL_SOCKET, BIND_TO_DEVICE, interface.name.encode() + b"\0")
    except OSError as error:
        raise CannotConnect(
            f"This system does not keep a program to the network interface {interface.name}: {error.strerror or error}.",
            "Linux 5.7 and macOS do it for every user.",
        ) from None


def _choices(several: Sequence[LanInterface]) -> str:
    names = [f"{one.name} ({one.addresses[0]})" for one in several]
    return f"Name one: --lan {several[0].name}. There are: {', '.join(names)}." if names else "There is no other."


def _flags(name: str) -> int:
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        answer = fcntl.ioctl(asking, GET_FLAGS, struct.pack("16s16x", name.encode()))
    flags: int = struct.unpack("16xH14x", answer)[0]
    return flags


def _outgoing() -> str:
    """The address from which this machine would send to the group; empty where it has no such route."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect((GROUP, PORT))  # sends nothing
        return str(asking.getsockname()[0])
    return ""
