"""The handshake payload that ties a Noise static key to an identity: noise-libp2p's, for Ed25519 always these 104 bytes.

    0a 24 | 08 01 12 20 | public key, 32 bytes | 12 40 | signature, 64 bytes
    field 1: PublicKey { type Ed25519, data }    field 2: signature over "noise-libp2p-static-key:" || static public key

Signing only the static key keeps the conversation deniable, and lets existing implementations talk to us
(libp2p specifications, noise, "The Noise Handshake"; peer-ids, "Keys"). Existing implementations may let field 4 follow,
extensions (22, length, body), which say nothing about who signs: whoever asks for it reads over them.
"""

from plytalk.core.errors import HandshakeFailed
from plytalk.core.identity import KEY_BYTES, SIGNATURE_BYTES, Identity, identity_key, raw_key, verify
from plytalk.core.public_key import PublicKey

HEAD, MIDDLE = bytes.fromhex("0a2408011220"), bytes.fromhex("1240")
PREFIX = b"noise-libp2p-static-key:"
LENGTH = len(HEAD) + KEY_BYTES + len(MIDDLE) + SIGNATURE_BYTES


def encode(identity: Identity, static: bytes) -> bytes:
    """The payload that says: this static public key is mine."""
    return HEAD + raw_key(identity.public) + MIDDLE + identity.sign(PREFIX + static)


def decode(payload: bytes, static: bytes, *, extensions: bool = False) -> PublicKey:
    """The identity that signed this static public key. Raises HandshakeFailed for anything but the canonical payload.

    With `extensions`, field 4 may follow it.
    """
    if extensions and _is_field_4(payload[LENGTH:]):
        payload = payload[:LENGTH]
    key, rest = payload[len(HEAD) : len(HEAD) + KEY_BYTES], payload[len(HEAD) + KEY_BYTES :]
    if len(payload) != LENGTH or not payload.startswith(HEAD) or not rest.startswith(MIDDLE):
        raise HandshakeFailed("The other side's identity is not written as it should be.")
    try:
        public = identity_key(key)
    except ValueError:
        raise HandshakeFailed("The other side's identity is no usable key.") from None
    if not verify(public, rest[len(MIDDLE) :], PREFIX + static):
        raise HandshakeFailed("The other side's identity did not sign this conversation's key: it is forged.")
    return public


def _is_field_4(field: bytes) -> bool:
    if field[:1] != b"\x22":
        return False
    length, shift = 0, 0
    for at, byte in enumerate(field[1:3], 2):  # a length of at most two bytes, 7 bits in each (Protocol Buffers, "Varints")
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return len(field) - at == length
    return False
