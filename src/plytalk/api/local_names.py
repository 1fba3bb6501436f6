"""NAME.local: a server or a machine on the local network, found by multicast DNS."""

from collections.abc import Callable
from importlib.util import find_spec

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.core.endpoints.client import Client
from plytalk.core.io.address import LOCAL, Address

MOST_TRIED = 3
"""How many addresses of one name are tried: each may take as long as a connection may."""


async def run_client(client: Client, server: Address, port: int, tell: Callable[[str], None] = lambda sentence: None) -> Ending:
    """Talk with the server at an address, on `port` where neither that nor the network names one. Raises ChatError.

    `tell` hears what the network says of a NAME.local. Such a name alone is what the server's key is remembered by: the port
    is the network's word, and with another port somebody there would pass for a server not met before.
    """
    transport = client.stack.transport
    if not server.host.endswith(LOCAL) or transport.names_place or transport.passes_names_on:
        return await client.run(server.host, server.port or port)

    async def look_up(tell: Callable[[str], None]) -> list[tuple[str, int]]:
        return [(one.host, one.port or port) for one in await located(server, tell, transport.name)]

    found = await look_up(tell)

    async def locate() -> list[tuple[str, int]]:
        """What was found is for the first connection: until the next one the server may have moved."""
        nonlocal found
        known, found = found, []
        try:
            return known or await look_up(lambda sentence: None)
        except Usage as error:
            raise CannotConnect(str(error)) from None

    try:
        return await client.run(*found[0], str(server), locate)
    except CannotConnect as error:
        if not find_spec("zeroconf"):
            error.hint = f"To find names that end in {LOCAL} on the local network, install: pip install zeroconf"
        raise


async def located(server: Address, tell: Callable[[str], None], transport: str) -> list[Address]:
    """Where a NAME.local is, the best first. What multicast DNS does not know is left to the system, as without zeroconf.

    Raises Usage where it is announced for another transport than this.
    """
    from plytalk.plugins.lan.lan_interface import choose_interface  # loaded where somebody writes such a name
    from plytalk.plugins.lan.lan_search import resolve

    try:
        interface = choose_interface()
        found = await resolve(interface, server.host, as_host=server.port is not None)
    except (ModuleNotFoundError, CannotConnect, Usage):
        return [server]
    if found is None:
        tell(f"Nobody on the network of {interface.name} answers to {server.host}. `chat find` shows the servers there.")
        return [server]
    if not server.port and found.port and found.text.transport != transport:
        raise Usage(
            f"{server.host} is not announced for the transport `{transport}`.", "`chat find` shows the line that connects."
        )
    addresses = [Address(one, server.port or found.port or None) for one in found.addresses[:MOST_TRIED]]
    tell(f"{server.host} is at {addresses[0]}, as somebody on the network of {interface.name} says.")
    if key := found.text.fingerprint:
        tell(f"It is announced with the key {key}, for you to compare: anyone there can announce that.")
    return addresses
