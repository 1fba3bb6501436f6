"""A server's announcement on the local network, from its first packet to its goodbye."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from plytalk.core.contracts.errors import CannotConnect
from plytalk.plugins.lan.lan_interface import LanInterface
from plytalk.plugins.lan.multicast_dns import mdns, open_on
from plytalk.plugins.lan.service_record import MAX_LABEL, SERVICE, TRANSPORTS, ServiceText

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

SECONDS = 15
"""How long the search for a free name may take: a hostile neighbour claims every one."""
SUFFIX = len("-wss-999")
"""How much of a label is left for a transport and a number."""


@dataclass(frozen=True)
class AnnouncedDoor:
    """A listener as it is announced: its transport, its addresses on the network, and its port."""

    transport: str
    addresses: tuple[str, ...]
    port: int


def announced_door(interface: LanInterface, transport: str, address: str) -> AnnouncedDoor | None:
    """How a listener's HOST:PORT is announced on an interface; None where it cannot be reached there."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if transport not in TRANSPORTS:
        return None
    every = [one.partition("%")[0] for one in interface.addresses]
    if host == "0.0.0.0":  # noqa: S104 - only compared
        found = [one for one in every if "." in one]
    elif host == "::":
        found = every
    else:
        found = [one for one in every if one == host.partition("%")[0]]
    return AnnouncedDoor(transport, tuple(found), int(port)) if found else None


class Announcement:
    """What one server says of itself: a service for each door, NAME and for all but the first NAME-TRANSPORT."""

    def __init__(self, interface: LanInterface, name: str, text: ServiceText, doors: Sequence[AnnouncedDoor]) -> None:
        self.interface, self._text, self._doors = interface, text, doors
        name = name[: MAX_LABEL - SUFFIX]
        self.wanted = [name, *(f"{name}-{door.transport}" for door in doors[1:])]
        self._dns: AsyncZeroconf | None = None

    async def begin(self) -> list[str]:
        """Announce it; the names that it got, each with a number where another server has it. Raises CannotConnect."""
        self._dns = await open_on(self.interface)
        try:
            async with asyncio.timeout(SECONDS):
                services = [self._service(name, door) for name, door in zip(self.wanted, self._doors, strict=True)]
                for service in services:
                    await (await self._dns.async_register_service(service, allow_name_change=True))
        except (TimeoutError, mdns().Error):
            raise CannotConnect(
                f"This server could not be announced on {self.interface.name}: every name is taken.",
                "Choose another with --lan-name; somebody on that network may be claiming them all.",
            ) from None
        return [service.get_name() for service in services]

    async def end(self) -> None:
        """Say goodbye, so that nobody finds it any more."""
        if dns := self._dns:
            self._dns = None
            with suppress(OSError):  # the interface may be gone
                await dns.async_close()

    def _service(self, name: str, door: AnnouncedDoor) -> "AsyncServiceInfo":
        text = ServiceText(self._text.fingerprint, self._text.is_default, door.transport)
        service: AsyncServiceInfo = mdns().asyncio.AsyncServiceInfo(
            SERVICE, f"{name}.{SERVICE}", door.port, properties=text.entries(),
            addresses=[ip_address(one).packed for one in door.addresses],
        )  # fmt: skip
        return service
