"""Reads a trace of plytalk/1 with secrets as docs/protocol.md has it, with `cryptography` and nothing of plytalk.

It takes the bytes that passed the transport and, of the key schedule, only what each Diffie-Hellman and each KEM gave (`input`),
and of a one-time code the random number of one side. All else it computes: the hash and the keys of each step, what is in the
handshake messages, and what is in the records.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

MAGIC = b"PLYTALK1\n"
BUCKETS = (64, 256, 1024, 4096, 16384, 65519)
TAG, DH, KEM_KEY, KEM_CIPHERTEXT = 16, 32, 1184, 1088
MORE = 0x80


P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
G_, M_, N_ = (
    bytes.fromhex(one)
    for one in (
        "58" + "66" * 31,
        "15cfd18e385952982b6a8f8c7854963b58e34388c8e6dae891db756481a02312",
        "f04f2e7eb734b2a8f8b472eaf9c3c632576ac64aea650b496a8a20ff00e583c3",
    )
)
Point = tuple[int, int]


class Part(NamedTuple):
    """Bytes of a message, and their value where this reader knows one."""

    start: int
    size: int
    value: str = ""


class Schedule:
    """The symmetric state of Noise (5.2). `steps` are what the trace says of each step, one part by name."""

    def __init__(self, name: bytes, aead: type, little: bool, steps: Iterator[tuple[str, dict[str, bytes]]]) -> None:
        self.aead, self.order, self.steps = aead, "little" if little else "big", steps
        self.h = self.ck = name.ljust(32, b"\0") if len(name) <= 32 else hashlib.sha256(name).digest()
        self.k: bytes | None = None
        self.n = 0
        self.check("h", "ck")

    def check(self, *names: str) -> dict[str, bytes]:
        """Hold the next step of the trace against what was computed here."""
        step, parts = next(self.steps)
        for name in names:
            assert parts[name] == getattr(self, name), (step, name)
        return parts

    def mix_hash(self, data: bytes) -> dict[str, bytes]:
        self.h = hashlib.sha256(self.h + data).digest()
        return self.check("h")

    def mix_key(self, material: bytes | None = None, outputs: int = 2) -> None:
        """Every mixed key is in the trace, or both sides have it from elsewhere."""
        step, parts = next(self.steps)
        material = parts.get("input", material)
        assert material
        made = hkdf(self.ck, material, outputs)
        self.ck, self.k, self.n = made[0], made[-1], 0
        assert (parts["ck"], parts["k"]) == (self.ck, self.k), step
        if outputs == 3:
            self.mix_hash(made[1])

    def open(self, sealed: bytes) -> bytes:
        plain = sealed
        if self.k is not None:
            plain = self.aead(self.k).decrypt(bytes(4) + self.n.to_bytes(8, self.order), sealed, self.h)  # type: ignore[arg-type]
            self.n += 1
        parts = self.mix_hash(sealed)
        told = b"".join(part for name, part in parts.items() if name != "h")
        assert told == plain
        return plain

    def size(self, length: int) -> int:
        return length + (TAG if self.k is not None else 0)


def hkdf(key: bytes, material: bytes, outputs: int, info: bytes = b"") -> list[bytes]:
    temporary, last, found = hmac.digest(key, material, "sha256"), b"", []
    for number in range(1, outputs + 1):
        last = hmac.digest(temporary, last + info + bytes([number]), "sha256")
        found.append(last)
    return found


class Talk:
    """A conversation in a trace. `handshake` and `records` are the parts of each message, in the order of the trace, by way."""

    def __init__(self, trace: str, psk: bytes | None = None, code: bytes = b"") -> None:
        self.events = [json.loads(line) for line in trace.splitlines()[1:]]
        self.psk, self.code = psk, code
        client = next(event["data"]["role"] for event in self.events if event["what"] == "started") == "client"
        self.client, self.server = ("out", "in") if client else ("in", "out")
        self.frames = {way: list(frames(self.wire(way))) for way in ("in", "out")}
        self.handshake: dict[str, list[list[Part]]] = {"in": [], "out": []}
        self.records: dict[str, list[tuple[bytes, list[Part]]]] = {"in": [], "out": []}
        self.read_handshake()
        for way, key in ((self.client, self.keys[0]), (self.server, self.keys[1])):
            self.records[way] = [(plain, list(record(plain))) for plain in self.opened(way, key)]

    def wire(self, way: str) -> bytes:
        passed = [event for event in self.events if event["name"] == f"transport:{way}" and event["what"] == "bytes"]
        return bytes.fromhex("".join(event["raw"] for event in passed))

    def steps(self) -> Iterator[tuple[str, dict[str, bytes]]]:
        for event in (event for event in self.events if event["name"] == "schedule"):
            raw = bytes.fromhex(event["raw"])
            yield event["what"], {name: raw[start : start + size] for name, start, size, *_ in event["spans"]}

    def take(self, way: str) -> bytes:
        return self.frames[way].pop(0)

    def read_handshake(self) -> None:
        offer, answer = self.take(self.client), self.take(self.server)
        self.handshake[self.client].append(list(preamble(offer, offers=True)))
        self.handshake[self.server].append(list(preamble(answer, offers=False)))
        token = answer[1 : 1 + answer[0]]
        steps = self.steps()
        if token.endswith(b"/code"):
            elements = [self.take(way) for way in (self.client, self.server)]
            for way, letter, element in zip((self.client, self.server), "AB", elements, strict=True):
                assert (len(element), element[:1].decode()) == (33, letter)
                self.handshake[way].append([Part(0, 1, letter), Part(1, 32)])
            number, told = next(steps)[1].values()
            self.psk = spake2(self.code, elements[0][1:], elements[1][1:], number, client=self.client == "out")
            assert self.psk == told
        name = token.partition(b"/")[0]
        _, pattern, _, cipher, _ = name.decode().split("_")
        hfs, psk = "hfs" in pattern, "psk3" in pattern
        self.aead, self.little = (AESGCM, False) if cipher == "AESGCM" else (ChaCha20Poly1305, True)
        state = Schedule(name, self.aead, self.little, steps)
        state.mix_hash(b"plytalk/1" + b"".join(len(part).to_bytes(2, "big") + part for part in (offer, answer)))
        for way, tokens in (
            (self.client, ["e", *(["e1"] if hfs else [])]),
            (self.server, ["e", "ee", *(["ekem1"] if hfs else []), "s", "es"]),
            (self.client, ["s", "se", *(["psk"] if psk else [])]),
        ):
            self.handshake[way].append(list(self.message(state, self.take(way), tokens, psk)))
        self.keys = hkdf(state.ck, b"", 2)
        told = {event["what"]: bytes.fromhex(event["raw"]) for event in self.events if event["name"] == "keys"}
        assert [told["client key"], told["server key"]] == self.keys

    def message(self, state: Schedule, raw: bytes, tokens: list[str], psk: bool) -> Iterator[Part]:
        at, static = 0, b""
        for token in tokens:
            if token == "e":
                yield Part(at, DH)
                state.mix_hash(raw[at : at + DH])
                if psk:
                    state.mix_key(raw[at : at + DH])
                at += DH
            elif token in ("s", "e1", "ekem1"):
                length = {"s": DH, "e1": KEM_KEY, "ekem1": KEM_CIPHERTEXT}[token]
                size = state.size(length)
                yield Part(at, length)
                if size > length:
                    yield Part(at + length, TAG)
                plain = state.open(raw[at : at + size])
                static = plain if token == "s" else static
                if token == "ekem1":
                    state.mix_key()
                at += size
            else:
                state.mix_key(self.psk if token == "psk" else None, 3 if token == "psk" else 2)
        payload = state.open(raw[at:])
        if payload:
            verify(payload, static)
            yield Part(at, len(payload))
        if state.k is not None:
            yield Part(at + len(payload), TAG)

    def opened(self, way: str, key: bytes) -> Iterator[bytes]:
        aead = self.aead(key)
        for number, sealed in enumerate(self.frames[way]):
            yield aead.decrypt(bytes(4) + number.to_bytes(8, "little" if self.little else "big"), sealed, b"")


def spake2(code: bytes, client_element: bytes, server_element: bytes, number: bytes, client: bool) -> bytes:
    """The key of section 7, from one side's random number; its element has to be the one that it sent."""
    w = int.from_bytes(b"".join(hkdf(bytes(32), code, 2, b"SPAKE2 pw"))[:48], "big") % L
    x, own, other = int.from_bytes(number, "little"), *((M_, N_) if client else (N_, M_))
    sent, came = (client_element, server_element) if client else (server_element, client_element)
    assert compressed(added(times(x, point(G_)), times(w, point(own)))) == sent
    shared = times(x, added(point(came), times(L - w, point(other))))
    hashed = [hashlib.sha256(one).digest() for one in (code, b"plytalk/1 client", b"plytalk/1 server")]
    return hashlib.sha256(b"".join([*hashed, client_element, server_element, compressed(shared)])).digest()


def point(raw: bytes) -> Point:
    """RFC 8032, 5.1.3."""
    y = int.from_bytes(raw, "little") & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert (x * x - square) % P == 0
    return (P - x if x & 1 != raw[31] >> 7 else x), y


def compressed(one: Point) -> bytes:
    return (one[1] | (one[0] & 1) << 255).to_bytes(32, "little")


def added(one: Point, other: Point) -> Point:
    """RFC 8032, 5.1.4, with the two coordinates alone."""
    (a, b), (c, d) = one, other
    both = D * a * b * c * d
    return (a * d + b * c) * pow(1 + both, -1, P) % P, (b * d + a * c) * pow(1 - both, -1, P) % P


def times(factor: int, one: Point) -> Point:
    made = (0, 1)
    while factor:
        if factor & 1:
            made = added(made, one)
        one, factor = added(one, one), factor >> 1
    return made


def frames(wire: bytes) -> Iterator[bytes]:
    while wire:
        size = int.from_bytes(wire[:2], "big")
        assert 0 < size <= len(wire) - 2
        yield wire[2 : 2 + size]
        wire = wire[2 + size :]


def preamble(raw: bytes, offers: bool) -> Iterator[Part]:
    at = 0
    if offers:
        assert raw.startswith(MAGIC)
        yield Part(0, len(MAGIC), MAGIC.decode().strip())
        at = len(MAGIC)
        count = 0
    else:
        yield Part(0, 1, str(raw[0]))
        yield Part(1, raw[0], raw[1 : 1 + raw[0]].decode())
        at = 1 + raw[0]
    count = raw[at]
    yield Part(at, 1, str(count))
    at += 1
    for _ in range(count):
        yield Part(at, 1, str(raw[at]))
        yield Part(at + 1, raw[at], raw[at + 1 : at + 1 + raw[at]].decode())
        at += 1 + raw[at]
    assert at == len(raw)


def verify(payload: bytes, static: bytes) -> None:
    """The identity payload of section 3. Raises where a signature is wrong."""
    assert len(payload) == 179
    assert (payload[:6], payload[38:40], payload[104:107]) == tuple(map(bytes.fromhex, ("0a2408011220", "1240", "c23e48")))
    key = Ed25519PublicKey.from_public_bytes(payload[6:38])
    key.verify(payload[40:104], b"noise-libp2p-static-key:" + static)
    key.verify(payload[115:], b"plytalk/1 static key:" + static + payload[107:115])


def record(raw: bytes) -> Iterator[Part]:
    assert len(raw) in BUCKETS
    at = 0
    while at <= len(raw) - 3 and raw[at]:
        kind, length = raw[at], int.from_bytes(raw[at + 1 : at + 3], "big")
        yield Part(at, 1, str(kind))
        yield Part(at + 1, 2, str(length))
        at += 3
        yield from (part._replace(start=part.start + at) for part in body(kind & ~MORE, raw[at : at + length]))
        at += length
    assert not any(raw[at:])
    if at < len(raw):
        yield Part(at, len(raw) - at, f"{len(raw) - at} zeros")


def body(kind: int, raw: bytes) -> list[Part]:
    parts: list[Part] = []
    if kind == 1:
        parts = [Part(0, len(raw), raw.decode())]
    elif kind == 2:
        parts = [Part(0, 8, str(int.from_bytes(raw, "big")))]
    elif kind == 7:
        parts = [Part(0, 1), Part(1, 8, str(int.from_bytes(raw[1:9], "big"))), Part(9, len(raw) - 9, raw[9:].decode())]
    elif kind == 8:
        parts = [Part(0, len(raw), raw.decode())]
        assert isinstance(json.loads(raw), dict)
    elif kind == 9:
        parts = event(raw)
    else:
        parts = [Part(0, len(raw))]
    return [part for part in parts if part.size]


def event(raw: bytes) -> list[Part]:
    key = raw[18]
    name_at = 19 + key
    name = raw[name_at]
    rest = name_at + 1 + name
    return [
        Part(0, 8, str(int.from_bytes(raw[:8], "big"))),
        Part(8, 8),
        Part(16, 1),
        Part(17, 1),
        Part(18, 1, str(key)),
        Part(19, key),
        Part(name_at, 1, str(name)),
        Part(name_at + 1, name, raw[name_at + 1 : rest].decode()),
        Part(rest, len(raw) - rest, raw[rest:].decode()),
    ]


def agree(found: list[Any], parts: list[Part]) -> bool:
    """Whether the spans in a trace are these parts, with the same values where this reader knows them."""
    return [(start, size) for _, start, size, *_ in found] == [(part.start, part.size) for part in parts] and all(
        not part.value or span[3] == part.value for span, part in zip(found, parts, strict=True)
    )
