"""Two networks, each behind a NAT, and a machine between them that both can reach: namespaces of this machine.

    client 10.1.0.2 -- 10.1.0.1 NAT 198.51.100.2 -- 198.51.100.1 middle 203.0.113.1 -- 203.0.113.2 NAT 10.2.0.1 -- 10.2.0.2 server

The middle passes nothing on, so that neither side reaches the other.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from namespaces import Namespaces, namespaces, run

MIDDLE_FOR_CLIENT, MIDDLE_FOR_SERVER = "198.51.100.1", "203.0.113.1"
NAT = "add table ip n; add chain ip n p { type nat hook postrouting priority 100; }; add rule ip n p oifname out masquerade"
SIDES = (("client", "10.1.0", "198.51.100"), ("server", "10.2.0", "203.0.113"))


@contextmanager
def two_nats() -> Iterator[Namespaces]:
    """The network; skips the test where the system does not allow one."""
    with namespaces("middle", "client", "server", "clientnat", "servernat", programs=[("nft", "nftables")]) as network:
        try:
            for side, inner, outer in SIDES:
                _connect(network, side, inner, outer)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"needs network namespaces with NAT, which this system does not allow: {error.stderr.strip()[:200]}")
        yield network


def _connect(network: Namespaces, side: str, inner: str, outer: str) -> None:
    nat = f"{side}nat"
    network.ip(side, "link", "add", "out", "type", "veth", "peer", "name", "in", "netns", network.named(nat))
    network.ip(nat, "link", "add", "out", "type", "veth", "peer", "name", side, "netns", network.named("middle"))
    for where, device, address in (
        (side, "out", f"{inner}.2/24"), (nat, "in", f"{inner}.1/24"),
        (nat, "out", f"{outer}.2/24"), ("middle", side, f"{outer}.1/24"),
    ):  # fmt: skip
        network.ip(where, "addr", "add", address, "dev", device)
        network.ip(where, "link", "set", device, "up")
    network.ip(side, "route", "add", "default", "via", f"{inner}.1")
    network.ip(nat, "route", "add", "default", "via", f"{outer}.1")
    run(*network.inside(nat, ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]))
    run(*network.inside(nat, ["nft", NAT]))
