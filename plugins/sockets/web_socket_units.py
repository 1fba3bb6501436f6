"""WebSocket for a trace (RFC 6455 section 5.2): the opening by HTTP/1.1, and then frames, with what each byte of them is."""

from collections.abc import Iterator
from struct import unpack_from

from plytalk.core.contracts.sanitise import shorten
from plytalk.core.contracts.spans import Reader, Span, shown
from plytalk.core.contracts.wire import CutWire, WireUnit

END_OF_HEAD = b"\r\n\r\n"
OPCODES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
FIN, MASK, SHORT = 0x80, 0x80, 0x7F
LONGER = {126: (">H", 2), 127: (">Q", 8)}
"""Formats and sizes of the length that follows, by what is in its place."""
PAYLOAD = "what the layers above made"
MASKED = f"{PAYLOAD}, XORed with the masking key, so that no proxy takes it for HTTP"


def cut_web_socket() -> CutWire:
    """What cuts one direction: a head, and frames from then on."""
    rest, opened = bytearray(), False

    def cut(data: bytes) -> Iterator[WireUnit]:
        nonlocal opened
        rest.extend(data)
        if not opened and END_OF_HEAD in rest:
            opened = True
            yield head(_taken(rest, rest.index(END_OF_HEAD) + len(END_OF_HEAD)))
        while opened and (size := frame_size(rest)) and len(rest) >= size:
            yield frame(_taken(rest, size))

    return cut


def _taken(data: bytearray, size: int) -> bytes:
    taken = bytes(data[:size])
    del data[:size]
    return taken


def head(data: bytes) -> WireUnit:
    """The head of a request or a response: a span for each line."""
    reader = Reader(data)
    lines = data.removesuffix(END_OF_HEAD).split(b"\r\n")
    is_response = lines[0].startswith(b"HTTP/")
    spans = [reader.take("status" if is_response else "request", len(lines[0]) + 2, shown(lines[0]))]
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        spans.append(reader.take(f"field {shorten(shown(name))}", len(line) + 2, shown(value).strip()))
    spans.append(reader.rest("end of the head"))
    return WireUnit(f"HTTP {'response' if is_response else 'request'}", data, spans)


def frame_size(data: bytes | bytearray) -> int:
    """How long the frame is that begins here; 0 where its header is not whole."""
    if len(data) < 2:
        return 0
    short = data[1] & SHORT
    form, more = LONGER.get(short, ("", 0))
    if len(data) < 2 + more:
        return 0
    length = unpack_from(form, data, 2)[0] if form else short
    return int(2 + more + (4 if data[1] & MASK else 0) + length)


def frame(data: bytes) -> WireUnit:
    """A whole frame."""
    reader = Reader(data)
    opcode, is_last, is_masked, short = data[0] & 0x0F, bool(data[0] & FIN), bool(data[1] & MASK), data[1] & SHORT
    kind = OPCODES.get(opcode, f"opcode {opcode}")
    spans = [
        reader.take("opcode", 1, f"{kind}, {'the last part' if is_last else 'more parts follow'}"),
        reader.take("mask and length", 1, f"{'masked' if is_masked else 'not masked'}, {short}"),
    ]
    if short in LONGER:
        spans.append(reader.number("longer length", LONGER[short][0])[0])
    key = data[reader.at : reader.at + 4] if is_masked else b""
    spans.append(reader.take("masking key", len(key), made_of="random bytes for this frame" if key else ""))
    payload = data[reader.at :]
    if kind == "close" and payload:
        plain = bytes(byte ^ key[at % 4] for at, byte in enumerate(payload)) if key else payload
        spans.append(reader.take("close code", 2, str(int.from_bytes(plain[:2], "big"))))
        spans.append(reader.rest("reason", shown(plain[2:])))
    else:
        spans.append(reader.rest("payload", made_of=MASKED if is_masked else PAYLOAD))
    is_end = kind == "binary" and is_last and not payload
    return WireUnit("WebSocket end of this direction" if is_end else f"WebSocket {kind}", data, _covering(spans))


def _covering(spans: list[Span]) -> list[Span]:
    return [span for span in spans if span.size]
