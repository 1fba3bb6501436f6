"""The bytes of ssh for a trace (RFC 4253): the versions and the key exchange, which are sent in the clear, and what is sealed."""

from collections.abc import Callable, Iterator, Sequence

from plytalk.core.contracts.spans import Reader, Span, shown
from plytalk.core.contracts.wire import CutWire, WireUnit

END_OF_LINE = b"\n"
LONGEST_PACKET = 35000
"""The longest packet in the clear (RFC 4253 section 6.1)."""
KEXINIT, NEWKEYS, FIRST, REPLY = 20, 21, 30, 31
MESSAGES = {
    1: "disconnect", 2: "ignore", 3: "unimplemented", 4: "debug", KEXINIT: "algorithms", NEWKEYS: "new keys from here on",
    FIRST: "client's part of the key exchange", REPLY: "server's part of the key exchange",
}  # fmt: skip
LISTS = (
    "key exchanges", "kinds of host keys", "ciphers to the server", "ciphers to the client", "MACs to the server",
    "MACs to the client", "compressions to the server", "compressions to the client", "languages to the server",
    "languages to the client",
)  # fmt: skip
SEALED = "packets of ssh: the login, then what the layers above made"


def cut_packets() -> CutWire:
    """What cuts one direction: a line, packets in the clear, and what comes behind new keys, in which no packet can be told."""
    rest, has_version, is_sealed = bytearray(), False, False

    def cut(data: bytes) -> Iterator[WireUnit]:
        nonlocal has_version, is_sealed
        rest.extend(data)
        while rest:
            size = len(rest) if is_sealed else packet_size(rest) if has_version else rest.find(END_OF_LINE) + 1
            if not size or size > len(rest):
                return
            unit = bytes(rest[:size])
            del rest[:size]
            if is_sealed:
                yield WireUnit("ssh, sealed", unit, [Span("sealed", 0, size, made_of=SEALED)])
            elif has_version:
                is_sealed = unit[5] == NEWKEYS
                yield packet(unit)
            else:
                has_version = True
                yield version(unit)

    return cut


def packet_size(data: bytearray) -> int:
    """How many bytes the packet has that begins here; 0 where that has not come. Raises ValueError where it is none."""
    size = int.from_bytes(data[:4], "big")
    if len(data) >= 4 and not 2 <= size <= LONGEST_PACKET:
        raise ValueError("not a packet of ssh")
    return 4 + size if len(data) >= 4 else 0


def version(data: bytes) -> WireUnit:
    """The first line of a side."""
    text = data.rstrip(b"\r\n")
    end = Span("end of the line", len(text), len(data) - len(text))
    return WireUnit("ssh version", data, [Span("protocol and program", 0, len(text), shown(text)), end])


def packet(data: bytes) -> WireUnit:
    """A whole packet in the clear."""
    reader, padding = Reader(data), data[4]
    spans = [reader.number("length", ">I")[0], reader.number("padding's length", ">B")[0]]
    spans.append(reader.take("message", 1, f"{data[5]} {MESSAGES.get(data[5], 'unknown')}"))
    end = max(len(data) - padding, reader.at)
    body = Reader(data[reader.at : end])
    parts: Callable[[Reader], Iterator[Span]] = BODIES.get(data[5], whole)
    spans += [span.moved(reader.at, "") for span in parts(body) if span.size]
    if end < len(data):
        spans.append(Span("padding", end, len(data) - end, made_of="random bytes"))
    return WireUnit(f"ssh {MESSAGES.get(data[5], f'message {data[5]}')}", data, [span for span in spans if span.size])


def whole(body: Reader) -> Iterator[Span]:
    yield body.rest("body")


def algorithms(body: Reader) -> Iterator[Span]:
    yield body.take("cookie", 16, made_of="random bytes")
    yield from counted(body, LISTS, is_text=True)
    yield body.take("guesses the key exchange", 1)
    yield body.rest("reserved")


def first(body: Reader) -> Iterator[Span]:
    yield from counted(body, ("client's public key of the moment",))
    yield body.rest("rest")


def reply(body: Reader) -> Iterator[Span]:
    yield from counted(body, ("host key", "server's public key of the moment", "signature with the host key"))
    yield body.rest("rest")


def counted(body: Reader, names: Sequence[str], is_text: bool = False) -> Iterator[Span]:
    """Strings of ssh: each a length and as many bytes."""
    for name in names:
        span, size = body.number(f"length of {name}", ">I")
        yield span
        said = body.data[body.at : body.at + size]
        yield body.take(name, size, shown(said) if is_text else "")


BODIES = {KEXINIT: algorithms, FIRST: first, REPLY: reply}
