"""Doors as they are written, and where they listen."""

import pytest

from plytalk.api.doors import connecting_address, listening_address, read_door
from plytalk.core.contracts.errors import UnknownLayer, Usage
from plytalk.core.io.address import Address
from plytalk.core.registry.registry import Registry
from plytalk.plugins.transports.tcp import Tcp
from plytalk.plugins.transports.unix import Unix


def test_a_door_is_a_transport_and_perhaps_a_place() -> None:
    registry = Registry()
    assert read_door(registry, "tcp") == (Tcp, None)
    assert read_door(registry, "tcp:[::1]:9000") == (Tcp, "[::1]:9000")
    assert read_door(registry, "unix:/run/a:b") == (Unix, "/run/a:b")


@pytest.mark.parametrize("written", ["", ":9000", "tcp:"])
def test_what_is_not_a_door_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(Usage, match="is not TRANSPORT") as refused:
        read_door(Registry(), written)
    assert "--door unix:room.sock" in refused.value.hint


def test_what_has_one_peer_alone_is_not_a_door() -> None:
    with pytest.raises(Usage, match="only one peer, over standard input and output, so it cannot be a door"):
        read_door(Registry(), "stdio:x")


def test_an_unknown_transport_is_named() -> None:
    with pytest.raises(UnknownLayer, match="udp"):
        read_door(Registry(), "udp:127.0.0.1")


def test_a_place_is_an_address_or_what_the_transport_makes_of_it() -> None:
    assert listening_address(Tcp(), None) == Address("127.0.0.1")
    assert listening_address(Tcp(), "*:7000") == Address("::", 7000)
    assert listening_address(Unix(), "a:1") == Address("a:1")
    with pytest.raises(Usage, match="As a door it is unix:PLACE"):
        listening_address(Unix(), None)


def test_a_client_connects_to_an_address_or_to_a_place_that_its_transport_names() -> None:
    assert connecting_address(Tcp(), "host:9000") == Address("host", 9000)
    assert connecting_address(Unix(), "/run/a:b") == Address("/run/a:b")
    with pytest.raises(Usage):
        connecting_address(Tcp(), "/run/a:b")
