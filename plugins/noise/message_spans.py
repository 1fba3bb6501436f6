"""Describes the bytes of handshake messages, for a trace: any Noise pattern, an identity's proof, and plytalk/1's preambles."""

from collections.abc import Iterator
from datetime import UTC, datetime

from plytalk.core.contracts.spans import Reader, Span, shown
from plytalk.plugins.noise import payload, preamble
from plytalk.plugins.noise.primitives import TAG_LENGTH
from plytalk.plugins.noise.protocol import NoiseProtocol
from plytalk.trust.identity import KEY_BYTES, SIGNATURE_BYTES

PURPOSES = {
    "s": "the sender's static public key",
    "e1": "the sender's new KEM public key",
    "ekem1": "a new KEM secret, e1 of the other side",
}


def noise_message(protocol: NoiseProtocol, number: int, message: bytes) -> Iterator[Span]:
    """Return the spans of the `number`-th message (from 0) of a handshake.

    Before the first MixKey nothing is encrypted; from then on everything but ephemeral keys is, followed by a tag (section 5.2).
    """
    reader, mixed = Reader(message), list[str]()
    kem = protocol.kem
    lengths = {"s": protocol.dh.dhlen, "e1": kem.publickeylen if kem else 0, "ekem1": kem.ciphertextlen if kem else 0}
    for at, tokens in enumerate(protocol.pattern.messages[: number + 1]):
        part = reader if at == number else Reader(b"")  # the messages before only mix keys
        for token in tokens:
            match token:
                case "e":
                    yield part.take("e", protocol.dh.dhlen, made_of=f"a new {protocol.dh.name} key pair of the sender")
                    mixed += ["e"] if protocol.pattern.psks else []  # 9.2
                case "s" | "e1":
                    yield from sealed(part, token, lengths[token], PURPOSES[token], mixed)
                case "ekem1":
                    yield from sealed(part, token, lengths[token], PURPOSES[token], mixed)
                    mixed.append(token)
                case _:
                    mixed.append(token)
        left = part.left - (TAG_LENGTH if mixed else 0)
        name = "identity" if left == payload.LENGTH else "payload"
        yield from sealed(part, name, left, "the proof of whose the static key is" if left else "nothing", mixed)


def sealed(reader: Reader, name: str, size: int, made_of: str, mixed: list[str]) -> Iterator[Span]:
    """Return the span of an `EncryptAndHash`: plaintext, or ciphertext and tag once a key was mixed from `mixed`."""
    if not mixed:
        yield reader.take(name, size, made_of=made_of)
        return
    key = f"key of {', '.join(mixed)}"
    yield reader.take(f"{name}, encrypted", size, made_of=f"{made_of}; {key}")
    yield reader.take(f"{name}: tag", TAG_LENGTH, made_of=f"the same key, h (the hash of all before), {name}")


def proof(identity: bytes) -> Iterator[Span]:
    """Return the spans of an identity payload, before encryption."""
    reader = Reader(identity)
    yield reader.take("head", len(payload.HEAD), made_of="protobuf: field 1, a public key of type Ed25519")
    yield reader.take("public key", KEY_BYTES, made_of="the sender's long-lived Ed25519 key")
    yield reader.take("head of the signature", len(payload.MIDDLE), made_of="protobuf: field 2, 64 bytes")
    yield reader.take("signature", SIGNATURE_BYTES, made_of=f"the Ed25519 key, {shown(payload.PREFIX)!r}, s")
    if len(identity) == payload.LENGTH:
        yield reader.take("head of the expiry", len(payload.EXPIRY_HEAD), made_of="protobuf: field 1000, 72 bytes")
        expiry, seconds = reader.number("expiry", payload.EXPIRY.format, "48 hours after the sender signed")
        yield expiry._replace(value=date(seconds))
        made_of = f"the Ed25519 key, {shown(payload.EXPIRY_PREFIX)!r}, s, expiry"
        yield reader.take("signature of the expiry", SIGNATURE_BYTES, made_of=made_of)
    yield reader.rest("what follows")


def date(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{seconds}"


def greeting(raw: bytes) -> Iterator[Span]:
    """Return the spans of a preamble of plytalk/1."""
    reader = Reader(raw)
    if raw.startswith(preamble.MAGIC):
        yield reader.take("magic", len(preamble.MAGIC), shown(preamble.MAGIC.rstrip()), "which handshake this is")
        purpose = "suite offered"
    else:
        yield from token(reader, "suite chosen", "the first offered that the server accepts")
        purpose = "suite accepted"
    yield reader.number("count", ">B", "how many suites follow")[0]
    number = 0
    while reader.left:
        number += 1
        yield from token(reader, f"{purpose}, number {number}", "--suite")


def token(reader: Reader, name: str, made_of: str) -> Iterator[Span]:
    length, size = reader.number(f"{name}: length", ">B")
    yield length
    yield reader.text(name, size, made_of)
