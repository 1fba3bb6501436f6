"""`--lan`: a server is announced on the local network, where `chat find` shows it and NAME.local reaches it.

It is off by default: everyone on a network recognises a person by the fingerprint of the key.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from plytalk.core.contracts.errors import ChatError, ImpossibleStack, Usage
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.io.address import LOCAL
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.plugins.lan.announcement import Announcement, announced_door
from plytalk.plugins.lan.lan_interface import AUTO, LanInterface, choose_interface
from plytalk.plugins.lan.multicast_dns import mdns
from plytalk.plugins.lan.service_record import ServiceText, host_label

NAMELESS = "plytalk"


class Lan(Feature):
    """Announces the server on the local network, with its name, address and fingerprint."""

    name = "lan"
    options = (
        Option(
            "lan",
            "Announce the server on the local network: on the usual interface, or on this one.",
            metavar="[INTERFACE]",
            chooses=True,
            role=Role.RESPONDER,
            bare=AUTO,
        ),
        Option("lan-name", "The name to announce (default: this machine's).", metavar="NAME", role=Role.RESPONDER),
    )
    caution = (
        "everyone on the local network sees the server's name and key, and recognises them wherever they are announced again."
    )

    def __init__(self, lan: str = AUTO, lan_name: str | None = None) -> None:
        self._given = lan
        self._name = host_label(lan_name or socket.gethostname().partition(".")[0])
        if lan_name and self._name != lan_name.lower():
            raise Usage(
                f"--lan-name {shorten(lan_name)!r} cannot be part of an address.",
                f"Use letters, digits and hyphens: {self._name or 'kitchen'}.",
            )
        self._announcement: Announcement | None = None
        self._task: asyncio.Task[None] | None = None

    def usual_host(self) -> str:
        mdns()
        return choose_interface(self._given).addresses[0]

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        if role is Role.INITIATOR:
            raise ImpossibleStack("--lan is for servers.", "`chat find` looks for them.")
        mdns()
        return ()

    @hookimpl
    def server_opened(self, doors: Sequence[tuple[Stack, str]], notice: Callable[[str], None]) -> None:
        mdns()
        interface = choose_interface(self._given)
        found = [announced_door(interface, stack.transport.name, address) for stack, address in doors]
        reachable = [door for door in found if door]
        if not reachable:
            raise unreachable(interface)
        stack = doors[0][0]
        identity = stack.handshake.identity
        text = ServiceText(
            fingerprint=identity.fingerprint if identity else None,
            is_default=is_default(stack),
            transport=None,
        )
        self._announcement = Announcement(interface, self._name or NAMELESS, text, reachable)
        self._task = asyncio.get_running_loop().create_task(self._announce(self._announcement, notice))

    async def _announce(self, announcement: Announcement, notice: Callable[[str], None]) -> None:
        try:
            names = await announcement.begin()
        except ChatError as error:
            notice(error.sentence)
            return
        for sentence in announcement_notices(announcement, names):
            notice(sentence)

    async def release(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._announcement:
            await self._announcement.end()


def is_default(stack: Stack) -> bool:
    """Whether a client that names no layer has this stack."""
    names = stack.names
    return any(profile.is_default and profile.layers.items() <= names.items() for profile in stack.known)


def unreachable(interface: LanInterface) -> Usage:
    """The refusal where no door leads to the network."""
    return Usage(
        f"--lan announces the server on {interface.name}, where it cannot be reached: it listens elsewhere.",
        f"Add --host {interface.addresses[0]} for this network alone, or --host :: for every network.",
    )


def announcement_notices(announcement: Announcement, names: Sequence[str]) -> Iterator[str]:
    """What the user of a server reads when it is announced."""
    others = [name for name, wanted in zip(names, announcement.wanted, strict=True) if name != wanted]
    where = f"Announced on {announcement.interface.name} as {', '.join(name + LOCAL for name in names)}."
    yield f"{where} Everyone there sees the name and the key."
    if others:
        yield f"Another server there is called {announcement.wanted[0]}, so this one got a number."


@hookimpl
def layers() -> list[type[Lan]]:
    return [Lan]
