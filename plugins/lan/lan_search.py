"""The search for servers on the local network. All that is found is a claim, cleaned and bounded here."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plytalk.core.contracts.sanitise import clean
from plytalk.core.io.address import LOCAL
from plytalk.plugins.lan.lan_interface import LanInterface
from plytalk.plugins.lan.multicast_dns import mdns, open_on
from plytalk.plugins.lan.service_record import SERVICE, ServiceText, is_host_label

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

MAX_NAMES = 1000
"""How many names one search takes note of."""
MAX_QUESTIONS = 50
"""How many of these it asks about, where an answer did not say everything."""
MAX_ADDRESSES = 8
RESOLVE_SECONDS = 3
MORE_SECONDS = 1
AGAIN_SECONDS = 0.3
PAUSE_SECONDS = 0.05
GRACE_SECONDS = 0.5
"""How long a better answer is waited for, where there is one already."""


@dataclass(frozen=True)
class FoundServer:
    """A server, as somebody on the network announces it: nothing of it is proven."""

    name: str
    addresses: tuple[str, ...]
    port: int
    text: ServiceText

    @property
    def local_name(self) -> str | None:
        """NAME.local, where the name can be written so."""
        return self.name.lower() + LOCAL if is_host_label(self.name) else None


@dataclass(frozen=True)
class SearchResult:
    """The servers that were found, by name, and how many answers were of no use or too many."""

    servers: list[FoundServer]
    ignored: int


async def search(interface: LanInterface, seconds: float) -> SearchResult:
    """Look for servers for so long. Raises CannotConnect, Usage."""
    dns = await open_on(interface)
    names: dict[str, None] = {}
    heard = 0

    def hear(name: str, **other: Any) -> None:
        nonlocal heard
        if name not in names:
            heard += 1
            if len(names) < MAX_NAMES:
                names[name] = None

    try:
        async with _browser(dns, hear, "QU"), _browser(dns, hear, "QM"):
            await asyncio.sleep(seconds)
        found = await _described(dns, interface, names)
    finally:
        await dns.async_close()
    return SearchResult(sorted(found, key=lambda one: (one.name.lower(), one.port)), heard - len(found))


def _browser(dns: "AsyncZeroconf", hear: Any, kind: str) -> Any:
    """Ask for answers to this machine alone (QU), which come at once, or to all (QM), which come once a second at most.

    Both are needed: where several programs of this machine ask, the system gives an answer to this machine to any one of them.
    """
    kind_of_question = mdns().DNSQuestionType[kind]
    return mdns().asyncio.AsyncServiceBrowser(dns.zeroconf, SERVICE, handlers=[hear], question_type=kind_of_question)


async def _described(dns: "AsyncZeroconf", interface: LanInterface, names: Iterable[str]) -> list[FoundServer]:
    services = [service for name in names if (service := _service(name))]
    unknown = [service for service in services if not service.load_from_cache(dns.zeroconf)]
    await asyncio.gather(*(_answered(dns, service, MORE_SECONDS) for service in unknown[:MAX_QUESTIONS]))
    return [found for service in services if (found := read_service(service, interface))]


def _service(name: str) -> "AsyncServiceInfo | None":
    """What is to be known about a name; None for one that is not of a server."""
    try:
        service: AsyncServiceInfo = mdns().asyncio.AsyncServiceInfo(SERVICE, name)
    except mdns().Error:
        return None
    return service if name.lower().endswith(f".{SERVICE}") else None


def read_service(service: "AsyncServiceInfo", interface: LanInterface) -> FoundServer | None:
    """A server, of what was answered about it; None where it has no port, or no address on the network of the interface."""
    addresses = on_link(service.parsed_addresses(), interface)
    if not addresses or not service.port:
        return None
    text = ServiceText.read(service.text or b"", service.properties)
    return FoundServer(clean(service.get_name()), addresses, service.port, text)


def on_link(addresses: Iterable[str], interface: LanInterface) -> tuple[str, ...]:
    """The addresses that are on the network of the interface: nobody there can send this machine elsewhere."""
    found = [here for one in addresses if (here := interface.written(one))]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: ":" in one)[:MAX_ADDRESSES])


async def resolve(interface: LanInterface, name: str, as_host: bool) -> FoundServer | None:
    """The server called NAME.local, or the machine (its port is 0 then); None for neither. Raises CannotConnect, Usage.

    A server goes before a machine of that name; after it with `as_host`.
    """
    dns = await open_on(interface)
    label = name.removesuffix(LOCAL)
    server = asyncio.create_task(_find_server(dns, interface, label))
    machine = asyncio.create_task(_find_machine(dns, interface, label))
    first, second = (machine, server) if as_host else (server, machine)
    try:
        await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([first], timeout=GRACE_SECONDS if second.done() and second.result() else None)
        if first.done() and first.result():
            return first.result()
        return await second
    finally:
        first.cancel()
        second.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        await dns.async_close()


async def _answered(dns: "AsyncZeroconf", asked: Any, seconds: float) -> bool:
    """Ask until all is answered, for so long at most.

    A record that comes in one packet with the record that names it, and before that, is taken note of when zeroconf asks again.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not await asked.async_request(dns.zeroconf, AGAIN_SECONDS * 1000):  # noqa: ASYNC110
                await asyncio.sleep(PAUSE_SECONDS)  # where somebody denies that there is such a name, no time has passed
            return True
    return False


async def _complete_addresses(dns: "AsyncZeroconf", found: Any) -> None:
    """Note the addresses that came in the packet before the record that names them; and wait a little for an IPv4 address
    where an IPv6 one has come: a server may listen there alone.
    """
    found.load_from_cache(dns.zeroconf)
    if not found.parsed_addresses(mdns().IPVersion.V4Only):
        await _answered(dns, mdns().AddressResolverIPv4(found.server), GRACE_SECONDS)
        found.load_from_cache(dns.zeroconf)


async def _find_server(dns: "AsyncZeroconf", interface: LanInterface, label: str) -> FoundServer | None:
    service = _service(f"{label}.{SERVICE}")
    if service is None or not await _answered(dns, service, RESOLVE_SECONDS):
        return None
    await _complete_addresses(dns, service)
    return read_service(service, interface)


async def _find_machine(dns: "AsyncZeroconf", interface: LanInterface, label: str) -> FoundServer | None:
    machine = mdns().AddressResolver(f"{label}{LOCAL}.")
    if not await _answered(dns, machine, RESOLVE_SECONDS):
        return None
    await _complete_addresses(dns, machine)
    addresses = on_link(machine.parsed_addresses(), interface)
    return FoundServer(label, addresses, 0, ServiceText(None, False, None)) if addresses else None
