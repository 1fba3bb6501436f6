"""A server in two local networks, with a client in one and a bystander in the other: namespaces of this machine.

    client 10.9.1.2 -- home -- 10.9.1.1 server 10.9.2.1 -- office -- 10.9.2.2 bystander

`home` and `office` are the names of the network interfaces, on both sides of each.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from namespaces import Namespaces, namespaces, run

HOME, OFFICE = "home", "office"
NETWORKS = ((HOME, "client", 1), (OFFICE, "bystander", 2))
AT_ONCE = "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad"  # no second in which an IPv6 address is not yet one
WATCH = """
import select, socket, sys
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
sock.bind((sys.argv[1], 0))
print("watching", flush=True)
while True:
    ready, _, _ = select.select([sock, sys.stdin], [], [])
    if sock in ready:
        packet, (_, _, kind, *_) = sock.recvfrom(65535)
        if kind != socket.PACKET_OUTGOING:
            print(packet.hex())
    elif sys.stdin.read() == "":
        break
"""


@contextmanager
def two_lans() -> Iterator[Namespaces]:
    """The networks; skips the test where the system does not allow them."""
    with namespaces("server", "client", "bystander") as network:
        try:
            for where in ("server", "client", "bystander"):
                run(*network.inside(where, ["sh", "-c", AT_ONCE]))
            for name, other, number in NETWORKS:
                network.ip("server", "link", "add", name, "type", "veth", "peer", "name", name, "netns", network.named(other))
                for where, last in (("server", 1), (other, 2)):
                    network.ip(where, "addr", "add", f"10.9.{number}.{last}/24", "dev", name)
                    network.ip(where, "link", "set", name, "up")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"needs network namespaces with veth devices, which this system does not allow: {error.stderr[:200]}")
        yield network


@contextmanager
def watched(network: Namespaces, where: str, device: str) -> Iterator[list[bytes]]:
    """What comes in on a device, in full when the block is over: Ethernet frames."""
    pipe = subprocess.PIPE
    command = network.inside(where, [sys.executable, "-c", WATCH, device])
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    frames: list[bytes] = []
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "watching\n"
        yield frames
        lines, _ = process.communicate(timeout=180)
        frames += map(bytes.fromhex, lines.split())
    finally:
        process.kill()
        process.communicate()


def is_udp(frame: bytes) -> bool:
    """Whether an Ethernet frame carries UDP, over IPv4 or IPv6."""
    return (frame[12:14], frame[23:24]) == (b"\x08\x00", b"\x11") or (frame[12:14], frame[20:21]) == (b"\x86\xdd", b"\x11")


GROUPS = (bytes([224, 0, 0, 251]), bytes.fromhex("ff0200000000000000000000000000fb"))


def names_group(frame: bytes) -> bool:
    """Whether a frame is to, or tells of, the groups of multicast DNS: a report that somebody has joined them is such a frame."""
    return any(group in frame for group in GROUPS)
