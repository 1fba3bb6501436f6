"""Which network interface is meant, and sockets that stay on it."""

import socket
from ipaddress import IPv4Interface

import pytest
from neighbours import HOME, LO

from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.plugins.lan import lan_interface
from plytalk.plugins.lan.lan_interface import BIND_TO_DEVICE, MULTICAST, UP, LanInterface, choose_interface, interfaces, keep_to

OFFICE = LanInterface("office0", 8, (IPv4Interface("198.51.100.7/24"),))
TUNNEL = LanInterface("tun0", 9, (IPv4Interface("203.0.113.7/32"),))
FLAGS = {"home0": UP | MULTICAST, "office0": UP | MULTICAST, "tun0": UP | MULTICAST | 0x10, "lo": UP | 0x8, "down0": MULTICAST}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> list[LanInterface]:
    """A machine with these interfaces, to be changed by the test; it would send from nowhere."""
    every: list[LanInterface] = []
    monkeypatch.setattr(lan_interface, "interfaces", lambda: every)
    monkeypatch.setattr(lan_interface, "_flags", FLAGS.__getitem__)
    monkeypatch.setattr(lan_interface, "_outgoing", lambda: "")
    return every


def test_this_machine_has_a_loopback_device() -> None:
    [lo] = [one for one in interfaces() if one.name == "lo"]
    assert (lo.index, lo.addresses[0]) == (LO.index, "127.0.0.1")
    assert lan_interface.usable([lo]) == []


def test_addresses_are_written_for_this_machine() -> None:
    assert HOME.addresses == ["192.0.2.7", "fe80::1%home0", "2001:db8::7"]
    assert HOME.written("192.0.2.99") == "192.0.2.99"
    assert HOME.written("fe80::99%3") == "fe80::99%home0"
    assert HOME.written("2001:db8::1:2") == "2001:db8::1:2"
    assert [HOME.written(one) for one in ("198.51.100.1", "2001:db9::1", "::1", "127.0.0.1", "nonsense", "")] == [None] * 6


def test_the_only_one_is_chosen_and_no_tunnel_or_loopback_device(machine: list[LanInterface]) -> None:
    machine += [LO, TUNNEL, HOME, LanInterface("down0", 3, OFFICE.networks)]
    assert choose_interface() is HOME


def test_of_several_the_usual_one_is_chosen(machine: list[LanInterface], monkeypatch: pytest.MonkeyPatch) -> None:
    machine += [HOME, OFFICE]
    monkeypatch.setattr(lan_interface, "_outgoing", lambda: "198.51.100.7")
    assert choose_interface() is OFFICE


def test_where_none_is_usual_the_user_is_asked(machine: list[LanInterface]) -> None:
    machine += [HOME, OFFICE]
    with pytest.raises(Usage, match="in several networks") as asked:
        choose_interface()
    assert asked.value.hint == "Name one: --lan home0. There are: home0 (192.0.2.7), office0 (198.51.100.7)."


@pytest.mark.parametrize("given", ["office0", "198.51.100.7"])
def test_one_is_named_or_one_of_its_addresses(machine: list[LanInterface], given: str) -> None:
    machine += [HOME, OFFICE, TUNNEL]
    assert choose_interface(given) is OFFICE


def test_a_tunnel_is_taken_where_it_is_named(machine: list[LanInterface]) -> None:
    machine += [HOME, TUNNEL]
    assert choose_interface("tun0") is TUNNEL


def test_an_unknown_one_and_one_without_multicast_are_refused(machine: list[LanInterface]) -> None:
    machine += [HOME, LO]
    with pytest.raises(Usage, match="no network interface 'attic0'"):
        choose_interface("attic0")
    with pytest.raises(Usage, match="lo does not carry multicast"):
        choose_interface("lo")


def test_without_a_network_there_is_nothing_to_announce(machine: list[LanInterface]) -> None:
    machine += [LO]
    with pytest.raises(CannotConnect, match="No network interface carries multicast"):
        choose_interface()


def test_a_socket_is_kept_to_one_interface() -> None:
    """What that means, tests/system/lan shows: another network sees nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        keep_to(LO, sock)
        assert sock.getsockopt(socket.SOL_SOCKET, BIND_TO_DEVICE, 16) == b"lo\0"


def test_a_system_that_keeps_no_program_to_an_interface_is_refused() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        pytest.raises(CannotConnect, match="does not keep a program to the network interface attic0"),
    ):
        keep_to(LanInterface("attic0", 99, OFFICE.networks), sock)
