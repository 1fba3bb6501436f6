"""The handshake payload that ties a Noise static key to an identity: that of noise-libp2p for Ed25519, then an expiry.

    0a 24 | 08 01 12 20 | public key, 32 bytes | 12 40 | signature, 64 bytes
    field 1: PublicKey { type Ed25519, data }    field 2: signature over "noise-libp2p-static-key:" || static public key

    c2 3e 48 | expiry, 8 bytes | signature, 64 bytes
    field 1000: the second at which the proof expires, and a signature over "plytalk/1 static key:" || static || expiry

Signing only the static key keeps the conversation deniable, and lets existing implementations talk to us: they skip field 1000
(libp2p specifications, noise, "The Noise Handshake"; peer-ids, "Keys"). Without the expiry, anyone who once copied a static key
could pose as its owner for ever, so plytalk/1 requires it. Existing implementations may put field 4 in between: extensions
(22, length, body), which say nothing about the signer. A caller that accepts them ignores them.
"""

from datetime import UTC, datetime
from struct import Struct
from typing import NamedTuple

from plytalk.core.contracts.errors import HandshakeFailed, Refused
from plytalk.core.contracts.public_key import PublicKey
from plytalk.trust.identity import KEY_BYTES, SIGNATURE_BYTES, OwnIdentity, identity_key, raw_key, verify

HEAD, MIDDLE, EXPIRY_HEAD = bytes.fromhex("0a2408011220"), bytes.fromhex("1240"), bytes.fromhex("c23e48")
PREFIX, EXPIRY_PREFIX = b"noise-libp2p-static-key:", b"plytalk/1 static key:"
EXPIRY = Struct(">Q")
UNDATED = len(HEAD) + KEY_BYTES + len(MIDDLE) + SIGNATURE_BYTES
LENGTH = UNDATED + len(EXPIRY_HEAD) + EXPIRY.size + SIGNATURE_BYTES

DAY = 24 * 3600
LIFETIME = 2 * DAY
"""The lifetime of a proof in seconds, from its signature on."""
TOLERANCE = DAY
"""The largest difference of the two clocks, in seconds."""


class WrongDate(Refused):
    """The proof of the other side's key has expired, or is dated for too late."""


class Shown(NamedTuple):
    """The identity that a payload shows, and whether the proof has an expiry."""

    key: PublicKey
    dated: bool


def encode(identity: OwnIdentity, static: bytes, now: float) -> bytes:
    """Return the payload that proves that this static public key is ours, for LIFETIME from `now` (seconds since 1970)."""
    expiry = EXPIRY.pack(int(now) + LIFETIME)
    proof = HEAD + raw_key(identity.public) + MIDDLE + identity.sign(PREFIX + static)
    return proof + EXPIRY_HEAD + expiry + identity.sign(EXPIRY_PREFIX + static + expiry)


def decode(payload: bytes, static: bytes, now: float, *, foreign: bool = False) -> Shown:
    """Return the identity that signed this static public key. Raises HandshakeFailed for anything but the canonical payload,
    and WrongDate if it has expired, or expires too late.

    With `foreign`, it may have extensions, and the expiry may be missing.
    """
    proof, rest = payload[:UNDATED], payload[UNDATED:]
    if foreign:
        rest = rest[_length_of_extensions(rest) :]
    key, signature = proof[len(HEAD) : len(HEAD) + KEY_BYTES], proof[len(HEAD) + KEY_BYTES :]
    dated = len(rest) == LENGTH - UNDATED and rest.startswith(EXPIRY_HEAD)
    whole = len(proof) == UNDATED and proof.startswith(HEAD) and signature.startswith(MIDDLE)
    if not whole or not (dated or (foreign and not rest)):
        raise HandshakeFailed("The other side's identity is not written as it should be.")
    try:
        public = identity_key(key)
    except ValueError:
        raise HandshakeFailed("The other side's identity is not a usable key.") from None
    signed = verify(public, signature[len(MIDDLE) :], PREFIX + static)
    if signed and dated:
        expiry, signature = rest[len(EXPIRY_HEAD) : -SIGNATURE_BYTES], rest[-SIGNATURE_BYTES:]
        signed = verify(public, signature, EXPIRY_PREFIX + static + expiry)
    if not signed:
        raise HandshakeFailed("The other side's identity did not sign this conversation's key: it is forged.")
    if dated:
        _check(EXPIRY.unpack(expiry)[0], now)
    return Shown(public, dated)


def _check(expiry: int, now: float) -> None:
    if expiry + TOLERANCE <= now:
        what = f"expired on {_moment(expiry)}"
    elif expiry > now + LIFETIME + TOLERANCE:
        what = f"is dated for later than it may be: until {_moment(expiry)}"
    else:
        return
    raise WrongDate(
        f"The proof of the key that the other side shows {what}; it is {_moment(int(now))} by the clock here.",
        "One of the two clocks may be wrong: compare the date and time on both sides. If both are right, the proof is a copy.",
        told=f"The proof of your key {what}; this server's clock says {_moment(int(now))}. One of the two clocks may be wrong.",
    )


def _moment(second: int) -> str:
    try:
        return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return f"second {second}"


def _length_of_extensions(rest: bytes) -> int:
    """Return the length of field 4 at the beginning of `rest`; 0 if it is not complete."""
    if rest[:1] != b"\x22":
        return 0
    length, shift = 0, 0
    for at, byte in enumerate(rest[1:3], 2):  # a length of at most two bytes, 7 bits in each (Protocol Buffers, "Varints")
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return at + length if len(rest) - at >= length else 0
    return 0
