"""A handshake that the fuzzer has never seen: ephemeral X25519 keys, signed by the server and confirmed by the client.

client                                                            server
  | --- H  version, number of suites, suites, key ----------------> |
  | <-- R  suite, key, length, server's key, length, signature ---- |
  | --- F  HMAC(confirmation key, transcript) --------------------> |
"""

import hmac
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from plytalk import Handshake, HandshakeFailed, HandshakeIO, Identity, Property, Role, SessionSecrets

VERSION = 1
SUITES = (7, 9)
KEY = 32
SIGNATURE = 64
CONTEXT = b"signed-dh 1"


class SignedDh(Handshake):
    """Ephemeral X25519, signed by the server."""

    name = "signed-dh"
    needs = {Property.BOUNDARIES}
    gives = {Property.KEYS, Property.DIRECTION_KEYS, Property.FRESHNESS, Property.FORWARD_SECRECY, Property.PEER_KEY}
    shows = frozenset({Role.RESPONDER})
    speaks_first = Role.INITIATOR

    def __init__(self) -> None:
        self._signing = Ed25519PrivateKey.generate()

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        private = X25519PrivateKey.generate()
        hello = bytes([VERSION, len(SUITES), *SUITES]) + public(private)
        await io.send(b"H", hello)
        answer = await io.receive(b"R", limit=256)
        suite, theirs, server, signature = read_answer(answer)
        if suite not in SUITES:
            raise HandshakeFailed("The other side chose a suite that was not offered.")
        signed = CONTEXT + hello + answer[: -len(signature) - 2]
        verify(server, signature, signed)
        await io.ask(Identity("ed25519", server))
        transcript = sha256(signed).digest()
        to_server, to_client, confirmation = keys(private, theirs, transcript)
        await io.send(b"F", hmac.digest(confirmation, transcript, "sha256"))
        return SessionSecrets(send=to_server, receive=to_client, transcript=transcript)

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        hello = await io.receive(b"H", limit=64)
        suites, theirs = read_hello(hello)
        common = [suite for suite in SUITES if suite in suites]
        if not common:
            raise HandshakeFailed("The other side offers no suite that this side knows.")
        private = X25519PrivateKey.generate()
        server = self._signing.public_key().public_bytes_raw()
        answer = bytes([common[0]]) + public(private) + len(server).to_bytes(2, "big") + server
        signed = CONTEXT + hello + answer
        signature = self._signing.sign(signed)
        transcript = sha256(signed).digest()
        to_server, to_client, confirmation = keys(private, theirs, transcript)
        await io.send(b"R", answer + len(signature).to_bytes(2, "big") + signature)
        confirmed = await io.receive(b"F", limit=32)
        if not hmac.compare_digest(confirmed, hmac.digest(confirmation, transcript, "sha256")):
            raise HandshakeFailed("The other side does not hold the same keys.")
        return SessionSecrets(send=to_client, receive=to_server, transcript=transcript)


def public(private: X25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()


def read_hello(hello: bytes) -> tuple[bytes, bytes]:
    if len(hello) < 2 or hello[0] != VERSION:
        raise HandshakeFailed("The other side speaks another version.")
    count = hello[1]
    suites, key = hello[2 : 2 + count], hello[2 + count :]
    if len(key) != KEY:
        raise HandshakeFailed("The first message has the wrong length.")
    return suites, key


def read_answer(answer: bytes) -> tuple[int, bytes, bytes, bytes]:
    if len(answer) != 1 + KEY + 2 + KEY + 2 + SIGNATURE:
        raise HandshakeFailed("The answer has the wrong length.")
    suite, theirs = answer[0], answer[1 : 1 + KEY]
    server, after = read_field(answer, 1 + KEY)
    signature, after = read_field(answer, after)
    if after != len(answer) or len(signature) != SIGNATURE or len(server) != KEY:
        raise HandshakeFailed("The answer has the wrong form.")
    return suite, theirs, server, signature


def read_field(data: bytes, at: int) -> tuple[bytes, int]:
    size = int.from_bytes(data[at : at + 2], "big")
    if at + 2 + size > len(data):
        raise HandshakeFailed("A field is longer than the message.")
    return data[at + 2 : at + 2 + size], at + 2 + size


def verify(server: bytes, signature: bytes, signed: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(server).verify(signature, signed)
    except (ValueError, InvalidSignature):
        raise HandshakeFailed("The server's signature is wrong.") from None


def keys(private: X25519PrivateKey, theirs: bytes, transcript: bytes) -> tuple[bytes, bytes, bytes]:
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(theirs))
    except ValueError:
        raise HandshakeFailed("The other side sent no usable key.") from None
    made = HKDF(SHA256(), 3 * KEY, salt=transcript, info=CONTEXT).derive(shared)
    return made[:KEY], made[KEY : 2 * KEY], made[2 * KEY :]


FIXED = X25519PrivateKey.generate()
