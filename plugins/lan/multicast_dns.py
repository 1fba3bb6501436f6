"""Multicast DNS by the package zeroconf, kept to one interface."""

from types import ModuleType
from typing import TYPE_CHECKING

from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.core.contracts.shortage import shortage
from plytalk.plugins.lan.lan_interface import LanInterface, keep_to

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncZeroconf


def mdns() -> ModuleType:
    """The package. Raises Usage where it is not installed."""
    try:
        import zeroconf
        import zeroconf.asyncio
    except ModuleNotFoundError:
        raise Usage("The local network needs the package `zeroconf`.", "Install it with: pip install zeroconf") from None
    return zeroconf


async def open_on(interface: LanInterface) -> "AsyncZeroconf":
    """Take part in multicast DNS on this interface and no other. Raises CannotConnect, Usage."""
    package = mdns()
    several = {one.version for one in interface.networks}
    choices: list[str | int] = [next(str(one.ip) for one in interface.networks if one.version == 4)] if 4 in several else []
    choices += [interface.index] if 6 in several else []
    try:
        found: AsyncZeroconf = package.asyncio.AsyncZeroconf(interfaces=choices)
    except (OSError, RuntimeError) as error:
        raise cannot_use(interface, error) from None
    try:
        await found.zeroconf.async_wait_for_start()
        # A socket for all addresses hears of every interface on which any program has joined the group, and answers there.
        for reader in found.zeroconf.engine.readers:
            keep_to(interface, reader.sock)
        if not found.zeroconf.engine.senders:
            raise CannotConnect(f"The network interface {interface.name} has no address yet.", "Try again in a few seconds.")
    except BaseException as error:
        await found.async_close()
        if isinstance(error, package.Error | OSError):
            raise cannot_use(interface, error) from None
        raise
    return found


def cannot_use(interface: LanInterface, error: Exception) -> CannotConnect:
    """Why multicast DNS is not available."""
    why = str(getattr(error, "strerror", None) or error or type(error).__name__)
    return CannotConnect(
        f"Multicast DNS cannot be used on {interface.name}: {why.lower()}.",
        short.hint
        if (short := shortage(error))
        else "Another program may hold its port, 5353, for itself: with avahi, set disallow-other-stacks=no.",
    )
