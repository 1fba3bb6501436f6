"""The bytes of a trace as a capture file (pcapng, draft-ietf-opsawg-pcapng), which network analysers open.

A trace has bytes and their times, not packets. The packets are invented here, with the real addresses where they are known, so
that an analyser finds a complete TCP stream (RFC 9293) with a beginning, an end, acknowledgements and correct checksums.
"""

import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

from plytalk.core.pipeline.tracing import IN, OUT, TraceEvent

SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6
RAW_IP = 101
FIN, SYN, PSH, ACK = 1, 2, 8, 16
SEGMENT = 1400
OUR_PORT, OTHER_PORTS = 50000, 10000
SOMEWHERE = (IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2"))  # for documentation (RFC 5737)


class Flow:
    """The `number`-th TCP stream, as the program that wrote the trace sees it."""

    def __init__(self, peer: str, client: bool, number: int = 0) -> None:
        self._ours, self._theirs, port = addresses(peer)
        own = OUR_PORT + number % (65536 - OUR_PORT)
        own -= OTHER_PORTS if own == port else 0  # each side has its own
        self.ports = {OUT: own, IN: port} if client else {OUT: port, IN: own}
        self._next = {OUT: 1, IN: 1}
        self._client = client

    def begin(self) -> Iterator[bytes]:
        first, second = (OUT, IN) if self._client else (IN, OUT)
        yield self._packet(first, 0, 0, SYN, b"")
        yield self._packet(second, 0, 1, SYN | ACK, b"")
        yield self._packet(first, 1, 1, ACK, b"")

    def data(self, way: str, data: bytes) -> Iterator[bytes]:
        other = IN if way == OUT else OUT
        for at in range(0, len(data), SEGMENT):
            piece = data[at : at + SEGMENT]
            yield self._packet(way, self._next[way], self._next[other], PSH | ACK, piece)
            self._next[way] += len(piece)
        yield self._packet(other, self._next[other], self._next[way], ACK, b"")

    def end(self) -> Iterator[bytes]:
        for way, other in ((OUT, IN), (IN, OUT)):
            yield self._packet(way, self._next[way], self._next[other], FIN | ACK, b"")
            self._next[way] += 1
        yield self._packet(OUT, self._next[OUT], self._next[IN], ACK, b"")

    def _packet(self, way: str, sequence: int, acknowledged: int, flags: int, data: bytes) -> bytes:
        source, probe = (self._ours, self._theirs) if way == OUT else (self._theirs, self._ours)
        ports = (self.ports[way], self.ports[IN if way == OUT else OUT])
        segment = struct.pack(">HHIIBBHHH", *ports, sequence, acknowledged, 5 << 4, flags, 65535, 0, 0) + data
        pseudo = source.packed + probe.packed + _protocol(source, len(segment))
        segment = segment[:16] + struct.pack(">H", checksum(pseudo + segment)) + segment[18:]
        return _ip(source, probe, segment) + segment


def capture(events: Iterable[TraceEvent]) -> bytes:
    """The capture file. Events other than the transport's are passed over."""
    flows: dict[str, Flow] = {}
    blocks = [_block(SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)), _block(INTERFACE, struct.pack("<HHI", RAW_IP, 0, 0))]
    last, number = 0.0, 0
    for event in events:
        last = event.time
        packets: list[bytes] = []
        if event.layer == "session" and event.what == "started":
            if before := flows.pop(event.group, None):
                packets += before.end()
            flows[event.group] = flow = Flow(event.fields.get("peer", ""), event.fields.get("role") != "server", number)
            number += 1
            packets += flow.begin()
        elif event.layer == "transport" and event.data and event.group in flows:
            packets += flows[event.group].data(event.way, event.data)
        blocks += [_packet_block(last, packet) for packet in packets]
    blocks += [_packet_block(last, packet) for flow in flows.values() for packet in flow.end()]
    return b"".join(blocks)


def addresses(peer: str) -> tuple[IPv4Address | IPv6Address, IPv4Address | IPv6Address, int]:
    """Our address, theirs and their port, as far as the peer's name tells."""
    host, _, port = peer.rpartition(":")
    number = int(port) if len(port) < 6 and port.isascii() and port.isdigit() and int(port) < 65536 else 7591
    try:
        theirs = ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return *SOMEWHERE, number
    if theirs.is_loopback:
        return theirs, theirs, number
    return (SOMEWHERE[0] if theirs.version == 4 else IPv6Address("2001:db8::1")), theirs, number


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _protocol(address: IPv4Address | IPv6Address, length: int) -> bytes:
    return struct.pack(">II", length, 6) if address.version == 6 else struct.pack(">HH", 6, length)


def _ip(source: IPv4Address | IPv6Address, probe: IPv4Address | IPv6Address, segment: bytes) -> bytes:
    if source.version == 6:
        return struct.pack(">IHBB", 6 << 28, len(segment), 6, 64) + source.packed + probe.packed
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, 6, 0) + source.packed + probe.packed
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:]


def _packet_block(seconds: float, packet: bytes) -> bytes:
    at = int(seconds * 1_000_000)
    return _block(PACKET, struct.pack("<IIIII", 0, at >> 32, at & 0xFFFFFFFF, len(packet), len(packet)) + packet)


def _block(kind: int, body: bytes) -> bytes:
    body += b"\0" * (-len(body) % 4)
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length
