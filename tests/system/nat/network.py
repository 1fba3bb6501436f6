"""Two networks, each behind a NAT, and a machine between them that both can reach: namespaces of this machine.

    client 10.1.0.2 -- 10.1.0.1 NAT 198.51.100.2 -- 198.51.100.1 middle 203.0.113.1 -- 203.0.113.2 NAT 10.2.0.1 -- 10.2.0.2 server

The middle passes nothing on, so that neither side reaches the other.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

MIDDLE_FOR_CLIENT, MIDDLE_FOR_SERVER = "198.51.100.1", "203.0.113.1"
NAT = "add table ip n; add chain ip n p { type nat hook postrouting priority 100; }; add rule ip n p oifname out masquerade"
SIDES = (("client", "10.1.0", "198.51.100"), ("server", "10.2.0", "203.0.113"))


@dataclass(frozen=True)
class Network:
    """The namespaces, by the names that `ip netns` has for them."""

    stem: str

    def inside(self, where: str, command: Sequence[str]) -> list[str]:
        """A command that runs at the client, at the server or in the middle."""
        return ["ip", "netns", "exec", self.stem + where, *command]


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=30)


@contextmanager
def two_nats() -> Iterator[Network]:
    """The network; skips the test where the system does not allow one."""
    if missing := [
        f"{name} (on Debian: apt install {package})"
        for name, package in (("ip", "iproute2"), ("nft", "nftables"))
        if not shutil.which(name)
    ]:
        pytest.skip(f"needs {', '.join(missing)}")
    network = Network(f"ply{os.getpid()}")
    names = [network.stem + where for where in ("middle", "client", "server", "clientnat", "servernat")]
    try:
        try:
            for name in names:
                run("ip", "netns", "add", name)
            _connect(network)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"needs network namespaces with NAT, which this system does not allow: {error.stderr.strip()[:200]}")
        yield network
    finally:
        for name in names:
            subprocess.run(("ip", "netns", "del", name), check=False, capture_output=True, timeout=30)


def _connect(network: Network) -> None:
    middle = network.stem + "middle"
    run("ip", "-n", middle, "link", "set", "lo", "up")
    for side, inner, outer in SIDES:
        host, nat = network.stem + side, network.stem + side + "nat"
        run("ip", "-n", host, "link", "add", "out", "type", "veth", "peer", "name", "in", "netns", nat)
        run("ip", "-n", nat, "link", "add", "out", "type", "veth", "peer", "name", side, "netns", middle)
        for name, device, address in (
            (host, "out", f"{inner}.2/24"), (nat, "in", f"{inner}.1/24"),
            (nat, "out", f"{outer}.2/24"), (middle, side, f"{outer}.1/24"),
        ):  # fmt: skip
            run("ip", "-n", name, "addr", "add", address, "dev", device)
            run("ip", "-n", name, "link", "set", device, "up")
        run("ip", "-n", host, "link", "set", "lo", "up")
        run("ip", "-n", host, "route", "add", "default", "via", f"{inner}.1")
        run("ip", "-n", nat, "route", "add", "default", "via", f"{outer}.1")
        run("ip", "netns", "exec", nat, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        run("ip", "netns", "exec", nat, "nft", NAT)
