"""An Ed25519 private key in a file of OpenSSH's without a passphrase (PROTOCOL.key), read without the library for all formats.

That library brings 14 modules, which take 4 to 5 ms of a start, and hardly any start needs it.
"""

import binascii
import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ARMOUR = re.compile(rb"-----BEGIN OPENSSH PRIVATE KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END OPENSSH PRIVATE KEY-----\s*")
_LENGTH, _KEY, _BLOCK = 4, 32, 8


def _field(data: bytes) -> bytes:
    """A string as the format writes it (RFC 4251 section 5)."""
    return len(data).to_bytes(_LENGTH, "big") + data


_TYPE = _field(b"ssh-ed25519")
_HEAD = b"openssh-key-v1\0" + _field(b"none") * 2 + _field(b"") + (1).to_bytes(_LENGTH, "big")


def plain_key(content: bytes) -> Ed25519PrivateKey | None:
    """The private key. None for whatever is not exactly such a file, which the library then judges."""
    armour = _ARMOUR.fullmatch(content)
    if armour is None:
        return None
    try:
        data = binascii.a2b_base64(armour[1])
    except binascii.Error:
        return None
    at = len(_HEAD) + _LENGTH + len(_TYPE) + _LENGTH
    public, rest = data[at : at + _KEY], data[at + _KEY + _LENGTH :]
    check, body = rest[:_LENGTH], rest[2 * _LENGTH + len(_TYPE) + 2 * _LENGTH + _KEY :]
    seed, comment = body[:_KEY], body[2 * _KEY :]
    length = _LENGTH + int.from_bytes(comment[:_LENGTH], "big")
    padding = bytes(range(1, 1 + len(comment) - length))
    secret = check * 2 + _TYPE + _field(public) + _field(seed + public) + _field(comment[_LENGTH:length]) + padding
    whole = _HEAD + _field(_TYPE + _field(public)) + _field(secret)
    if data != whole or len(secret) % _BLOCK or len(padding) >= _BLOCK:
        return None
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return key if key.public_key().public_bytes_raw() == public else None
