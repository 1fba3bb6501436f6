"""Where a server listens for guests: those who speak one of the existing chats, PROFILE[:PORT] each, and those of their doors."""

from collections.abc import Iterator, Sequence

from plytalk.api.choice import Choice
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.handler import GroupFeature
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.endpoints.server import ListenAddress
from plytalk.core.io.address import parse_port
from plytalk.core.stack.selection import Stack

EXAMPLES = "For example: --guests demo02:5002,secure-chat:8000."


def guest_addresses(choice: Choice, stack: Stack, host: str, written: Sequence[str]) -> list[ListenAddress]:
    """Where to listen for these guests and those of the doors. Raises Usage, UnknownLayer."""
    doors = choice.guest_doors(stack)
    if (written or doors) and not any(isinstance(feature, GroupFeature) for feature in stack.features):
        asked = "--guests" if written else "A door for guests"
        raise Usage(f"{asked} needs a room that they can join.", "Add --feature rooms, or choose the layers of plytalk/1.")
    ports = [ListenAddress(choice.guest(name), host, port, name) for name, port in profiles_and_ports(choice, written)]
    return [*ports, *doors]


def profiles_and_ports(choice: Choice, written: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The profiles that are named, and the port of each. Raises Usage, UnknownLayer."""
    places = [part.strip() for part in written]
    if places and not any(places):
        raise Usage("--guests names nobody.", EXAMPLES)
    for one in filter(None, places):
        name, _, port = one.partition(":")
        try:
            number = parse_port(port, lowest=0) if port else choice.registry.profile(name).port
        except Usage as error:
            raise Usage(f"'{shorten(one)}' is not PROFILE or PROFILE:PORT. {error}", EXAMPLES) from None
        yield name, number
