"""The address to show in place of a wildcard, in networks that a namespace has."""

import errno
import socket
import subprocess
import sys

import pytest
from namespaces import Namespaces, namespaces

from plytalk.cli import own_address as module
from plytalk.cli.own_address import own_address

ULA = ("addr", "add", "fd00:1::5/64", "dev", "up0", "nodad")
GLOBAL = ("addr", "add", "2001:db8:7::5/64", "dev", "up0", "nodad")
PRIVATE = ("addr", "add", "10.9.9.9/24", "dev", "up0")
LINK = ("addr", "add", "fe80::7/64", "dev", "up0", "nodad")
LOOK = f"from {own_address.__module__} import own_address as own; print(own('0.0.0.0'), own('::'))"


def shown(net: Namespaces) -> list[str]:
    """What is shown there for each wildcard."""
    run = subprocess.run(net.inside("a", [sys.executable, "-c", LOOK]), capture_output=True, text=True, check=True, timeout=180)
    return run.stdout.split()


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ((), ["127.0.0.1", "127.0.0.1"]),
        ((PRIVATE,), ["10.9.9.9", "10.9.9.9"]),
        ((ULA,), ["127.0.0.1", "fd00:1::5"]),
        ((GLOBAL,), ["127.0.0.1", "2001:db8:7::5"]),
        ((LINK,), ["127.0.0.1", "fe80::7%up0"]),
        ((LINK, PRIVATE), ["10.9.9.9", "10.9.9.9"]),
        ((PRIVATE, ULA), ["10.9.9.9", "fd00:1::5"]),
    ],
    ids=["none", "IPv4", "local IPv6", "global IPv6", "link alone", "link and IPv4", "IPv4 and IPv6"],
)
def test_an_address_of_a_network_without_a_way_out_is_shown(addresses: tuple[tuple[str, ...], ...], expected: list[str]) -> None:
    with namespaces("a") as net:
        net.ip("a", "link", "add", "up0", "type", "veth", "peer", "name", "up1")
        for end in ("up0", "up1") * bool(addresses):
            net.ip("a", "link", "set", end, "addrgenmode", "none")  # it gets only the addresses below
            net.ip("a", "link", "set", end, "up")
        for words in addresses:
            net.ip("a", *words)
        assert shown(net) == expected


def test_where_there_is_no_ipv4_at_all_the_loopback_address_is_that_of_ipv6() -> None:
    with namespaces("a") as net:
        net.ip("a", "addr", "del", "127.0.0.1/8", "dev", "lo")
        assert shown(net) == ["::1", "::1"]


def test_a_system_that_refuses_to_list_its_interfaces_shows_the_loopback_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> list[tuple[int, str]]:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "if_nameindex", refuse)
    monkeypatch.setattr(module, "FAR", {socket.AF_INET6: "::1", socket.AF_INET: "127.0.0.1"})  # as without a default route
    assert own_address("0.0.0.0") == "127.0.0.1"


def test_the_usual_network_comes_first() -> None:
    with namespaces("a") as net:
        for number in ("0", "1"):
            net.ip("a", "link", "add", f"up{number}", "type", "veth", "peer", "name", f"far{number}")
            for end in ("up", "far"):
                net.ip("a", "link", "set", f"{end}{number}", "up")
            net.ip("a", "addr", "add", f"10.9.{number}.9/24", "dev", f"up{number}")
        net.ip("a", "route", "add", "default", "via", "10.9.1.1")
        assert shown(net) == ["10.9.1.9", "10.9.1.9"]
