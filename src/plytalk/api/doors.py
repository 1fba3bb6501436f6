"""Where a server listens: its doors, TRANSPORT[:HOST[:PORT]] each. All lead into one room."""

from typing import NamedTuple, cast

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.contracts.transport import Transport
from plytalk.core.io.address import Address, parse_address
from plytalk.core.registry.registry import Registry

HERE = "127.0.0.1"
EXAMPLES = "For example: --door tcp:0.0.0.0:9000 or --door unix:room.sock."


class WrittenDoor(NamedTuple):
    """A door as it was written; `where` is what follows the transport's name, None for nothing."""

    transport: type[Transport]
    where: str | None


def read_door(registry: Registry, text: str) -> WrittenDoor:
    """Read TRANSPORT[:HOST[:PORT]]. Raises Usage, PluginError."""
    name, colon, where = text.partition(":")
    if not name or (colon and not where):
        raise Usage(f"'{shorten(text)}' is not TRANSPORT, TRANSPORT:HOST or TRANSPORT:HOST:PORT.", EXAMPLES)
    transport = cast(type[Transport], registry.layer("transport", name))
    if transport.only_place:
        raise Usage(
            f"The transport `{name}` has only one peer, over {transport.only_place}, so it cannot be a door.",
            f"Choose it with --transport {name}, and leave out the doors.",
        )
    return WrittenDoor(transport, where or None)


def connecting_address(transport: Transport, address: str) -> Address:
    """Where a transport is to connect: HOST[:PORT], or the place that it names in its own way. Raises Usage."""
    return Address(address) if transport.names_place else parse_address(address)


def listening_address(transport: Transport, where: str | None) -> Address:
    """Where a transport is to listen: on this machine alone where nothing was written. Raises Usage."""
    if not transport.names_place:
        return parse_address(HERE if where is None else where, listen=True)
    if not where:
        name = transport.name
        raise Usage(f"The transport `{name}` needs --host: the path or name to listen at. As a door it is {name}:PLACE.")
    return Address(where)
