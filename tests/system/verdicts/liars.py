"""Layers that promise more than they do, as a stranger may write them. `liars.txt` has what each does wrong.

A section of that file begins with the kind of layer, what is wrong, and the attacks that succeed nevertheless.
"""

from dataclasses import dataclass
from pathlib import Path

HEAD = """
import base64, hashlib, hmac, os, time
from struct import Struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher as Primitive, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from plytalk import (
    Authenticator, Cipher, Close, Handshake, HeaderFramer, Messages, Property, Refused, Role, SessionSecrets, Tampered, hookimpl
)


def xor(data, stream):
    return bytes(one ^ two for one, two in zip(data, stream))


def stretched(seed, size):
    return b"".join(hashlib.sha256(seed + n.to_bytes(4, "big")).digest() for n in range(size // 32 + 1))[:size]


def two_keys(own, theirs, role):
    secret = own.exchange(X25519PublicKey.from_public_bytes(theirs))
    keys = [hashlib.sha256(secret + one).digest() for one in (b"0", b"1")]
    return SessionSecrets(*(keys if role is Role.INITIATOR else reversed(keys)))
"""
CLASSES = {
    "cipher": '''
class Liar(Cipher):
    """Claims all that a cipher can give."""

    name = "liar"
    needs = {Property.KEYS}
    gives = {Property.SECRECY, Property.INTEGRITY, Property.DIRECTION_KEYS, Property.ORDER}
    prefers = {"framer": "typed", "handshake": "rsa", "messages": "text"}
    overhead = 64

    def __init__(self, secrets, role):
        self.key, self.other, self.role = secrets.send, secrets.receive, role
        self.sent = self.received = 0

    @staticmethod
    def number(role, count):
        return count.to_bytes(11, "big") + bytes([role is Role.INITIATOR])

    def open(self, sealed):
        try:
            return self.unseal(bytes(sealed))
        except Exception:
            raise Tampered from None
''',
    "handshake": '''
class Liar(Handshake):
    """Claims all that a handshake can give."""

    name = "liar"
    needs = {Property.BOUNDARIES}
    gives = {
        Property.KEYS, Property.PEER_IDENTITY, Property.DIRECTION_KEYS, Property.FRESHNESS, Property.FORWARD_SECRECY,
        Property.POST_QUANTUM,
    }
    speaks_first = Role.INITIATOR
    prefers = {"framer": "typed", "cipher": "chacha20poly1305", "messages": "text"}
''',
    "framer": '''
class Liar(HeaderFramer):
    """Claims boundaries."""

    name = "liar"
    gives = {Property.BOUNDARIES}
    prefers = {"handshake": "rsa", "cipher": "aesgcm", "messages": "text"}
    header = Struct(">I")
''',
    "auth": '''
class Liar(Authenticator):
    """Claims to know the other side."""

    name = "liar"
    needs = {Property.PEER_KEY}
    gives = {Property.PEER_IDENTITY}
''',
    "messages": '''
class Liar(Messages):
    """Claims a clean end and hidden lengths."""

    name = "liar"
    needs = {Property.BOUNDARIES}
    gives = {Property.CLEAN_END, Property.LENGTH_HIDING}
    prefers = {"framer": "typed", "handshake": "rsa", "cipher": "aesgcm"}
''',
}
TAIL = """

@hookimpl
def layers():
    return [Liar]
"""


@dataclass(frozen=True)
class LyingLayer:
    """A plugin of this kind, and attacks that succeed although it claims that they do not."""

    kind: str
    fault: str
    succeeding: tuple[str, ...]
    body: str

    @property
    def text(self) -> str:
        """The plugin's module."""
        return HEAD + "\n" + CLASSES[self.kind] + "\n" + self.body + TAIL


def _read() -> tuple[LyingLayer, ...]:
    sections = Path(__file__).with_suffix(".txt").read_text().removeprefix("## ").split("\n## ")
    heads = [section.partition("\n") for section in sections]
    return tuple(LyingLayer(*(head.split(": ")[:2]), tuple(head.split(": ")[2].split()), body) for head, _, body in heads)


LIARS = _read()
