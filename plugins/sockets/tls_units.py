"""TLS records for a trace (RFC 8446 section 5): their headers, and the messages of the handshake that are sent in the clear."""

from collections.abc import Callable, Iterator
from struct import Struct

from plytalk.core.contracts.spans import Reader, Span, shown
from plytalk.core.contracts.wire import CutWire, WireUnit

HEADER = Struct(">BHH")
CHANGE, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
RECORDS = {CHANGE: "change cipher spec", ALERT: "alert", HANDSHAKE: "handshake", DATA: "application data"}
CLIENT_HELLO, SERVER_HELLO = 1, 2
MESSAGES = {
    CLIENT_HELLO: "ClientHello", SERVER_HELLO: "ServerHello", 4: "NewSessionTicket", 8: "EncryptedExtensions", 11: "Certificate",
    12: "ServerKeyExchange", 13: "CertificateRequest", 14: "ServerHelloDone", 15: "CertificateVerify", 16: "ClientKeyExchange",
    20: "Finished", 22: "CertificateStatus",
}  # fmt: skip
SERVER_NAME = 0
EXTENSIONS = {
    SERVER_NAME: "server_name", 5: "status_request", 10: "supported_groups", 11: "ec_point_formats", 13: "signature_algorithms",
    16: "application_layer_protocol_negotiation", 18: "signed_certificate_timestamp", 21: "padding", 22: "encrypt_then_mac",
    23: "extended_master_secret", 35: "session_ticket", 41: "pre_shared_key", 43: "supported_versions", 44: "cookie",
    45: "psk_key_exchange_modes", 49: "post_handshake_auth", 51: "key_share", 65281: "renegotiation_info",
}  # fmt: skip
SEALED = "messages of TLS, or what the layers above made, sealed by TLS"


def cut_records() -> CutWire:
    """What cuts one direction into records. Behind a change of the cipher everything is sealed."""
    rest, is_sealed = bytearray(), False

    def cut(data: bytes) -> Iterator[WireUnit]:
        nonlocal is_sealed
        rest.extend(data)
        while len(rest) >= HEADER.size and len(rest) >= (size := HEADER.size + HEADER.unpack_from(rest)[2]):
            unit = record(bytes(rest[:size]), is_sealed)
            is_sealed = is_sealed or rest[0] in (CHANGE, DATA)
            del rest[:size]
            yield unit

    return cut


def record(data: bytes, is_sealed: bool) -> WireUnit:
    """A whole record."""
    reader, kind = Reader(data), data[0]
    name = RECORDS.get(kind, f"content type {kind}")
    spans = [reader.take("content type", 1, f"{kind} {name}"), reader.take("legacy version", 2, f"0x{data[1:3].hex()}")]
    spans.append(reader.number("length", ">H")[0])
    if kind == CHANGE:
        spans.append(reader.number("message", ">B")[0])
    elif is_sealed or kind not in (HANDSHAKE, ALERT):
        spans.append(reader.rest("sealed", made_of=SEALED))
    elif kind == ALERT:
        spans += [reader.number("level", ">B")[0], reader.number("description", ">B")[0], reader.rest("rest")]
    else:
        messages = list(_messages(reader))
        spans += messages
        hello = next((span.name.partition(":")[0] for span in messages if ":" in span.name), "")
        name = hello or name
    return WireUnit(f"TLS {name}", data, [span for span in spans if span.size])


def _messages(reader: Reader) -> Iterator[Span]:
    """The messages of the handshake in a record; one that goes on in the next record has what is here of it."""
    while reader.left >= 4:
        kind = reader.data[reader.at]
        size = int.from_bytes(reader.data[reader.at + 1 : reader.at + 4], "big")
        name = MESSAGES.get(kind, f"message {kind}")
        yield reader.take(f"{name}: type", 1, f"{kind}")
        yield reader.take(f"{name}: length", 3, f"{size}")
        body = Reader(reader.data[reader.at : reader.at + size])
        start = reader.take(name, size).start
        parts: Callable[[Reader], Iterator[Span]] = HELLOS.get(kind, _whole)
        yield from (span.moved(start, f"{name}: ") for span in parts(body))
    yield reader.rest("handshake, goes on")


def _whole(body: Reader) -> Iterator[Span]:
    yield body.rest("body")


def _client_hello(body: Reader) -> Iterator[Span]:
    yield from _beginning(body)
    yield from _counted(body, "cipher suites", ">H")
    yield from _counted(body, "compression methods", ">B")
    yield from _extensions(body)


def _server_hello(body: Reader) -> Iterator[Span]:
    yield from _beginning(body)
    yield body.take("cipher suite", 2, f"0x{body.data[body.at : body.at + 2].hex()}")
    yield body.number("compression method", ">B")[0]
    yield from _extensions(body)


HELLOS = {CLIENT_HELLO: _client_hello, SERVER_HELLO: _server_hello}


def _beginning(body: Reader) -> Iterator[Span]:
    yield body.take("version", 2, f"0x{body.data[:2].hex()}")
    yield body.take("random", 32, made_of="random bytes")
    yield from _counted(body, "session id", ">B")


def _counted(body: Reader, name: str, form: str) -> Iterator[Span]:
    span, size = body.number(f"length of {name}", form)
    yield span
    yield body.take(name, size)


def _extensions(body: Reader) -> Iterator[Span]:
    yield body.number("length of extensions", ">H")[0]
    while body.left >= 4:
        kind = int.from_bytes(body.data[body.at : body.at + 2], "big")
        name = EXTENSIONS.get(kind, f"extension {kind}")
        yield body.take(f"{name}: type", 2, f"{kind}")
        span, size = body.number(f"{name}: length", ">H")
        yield span
        said = body.data[body.at + 5 : body.at + size] if kind == SERVER_NAME else b""  # behind two lengths and a type
        yield body.take(name, size, shown(said), "the host that the client wants: anyone on the way reads it" if said else "")
    yield body.rest("rest")
