"""Neighbours on the local network, honest and hostile: packets of multicast DNS, on the loopback device."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Interface, IPv6Interface

from zeroconf import DNSAddress, DNSOutgoing, DNSPointer, DNSRecord, DNSService, DNSText

from plytalk.plugins.lan.lan_interface import GROUP, PORT, LanInterface
from plytalk.plugins.lan.lan_search import SearchResult, search
from plytalk.plugins.lan.service_record import SERVICE

LO = LanInterface("lo", socket.if_nametoindex("lo"), (IPv4Interface("127.0.0.1/8"),))
"""The loopback device as a network of this machine alone: chosen by hand, since it is none that can be chosen."""
HOME = LanInterface("home0", 7, (IPv6Interface("fe80::1/64"), IPv4Interface("192.0.2.7/24"), IPv6Interface("2001:db8::7/64")))
"""A network interface with every kind of address."""
ANSWER = 0x8400
POINTER, TEXT, ADDRESS, SERVER = 12, 16, 1, 33
UNIQUE = 0x8001
KEY = "SHA256:" + "A" * 42 + "E"


def service(
    name: str, text: bytes = b"\x03v=1", address: str = "127.0.0.1", port: int = 7591, target: str = ""
) -> list[DNSRecord]:
    """What a neighbour says of one server."""
    full = f"{name}.{SERVICE}"
    return [
        DNSPointer(SERVICE, POINTER, 1, 4500, full),
        DNSService(full, SERVER, UNIQUE, 120, 0, 0, port, target or full),
        DNSText(full, TEXT, UNIQUE, 4500, text),
        DNSAddress(target or full, ADDRESS, UNIQUE, 120, socket.inet_aton(address)),
    ]


def entries(**pairs: str) -> bytes:
    """The bytes of a TXT record."""
    return b"".join(bytes([len(name) + 1 + len(value)]) + f"{name}={value}".encode() for name, value in pairs.items())


async def found(seconds: float, count: int = 1) -> SearchResult:
    """What a search finds, repeated until it has heard of at least `count` servers: on a busy machine answers come late."""
    while True:
        result = await search(LO, seconds)
        if len(result.servers) + result.ignored >= count:
            return result


@contextmanager
def saying(records: Sequence[DNSRecord], every: float = 0.1, raw: Sequence[bytes] = ()) -> Iterator[None]:
    """Somebody says this again and again while the block runs, with packets that are sent unchanged."""
    out = DNSOutgoing(ANSWER)
    for record in records:
        out.add_answer_at_time(record, 0)
    packets = [*out.packets(), *raw]

    async def say() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            while True:
                for number, packet in enumerate(packets):
                    sock.sendto(packet, (GROUP, PORT))
                    if number % 20 == 19:
                        await asyncio.sleep(0)
                await asyncio.sleep(every)

    task = asyncio.get_running_loop().create_task(say())
    try:
        yield
    finally:
        task.cancel()
