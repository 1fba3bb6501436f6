"""The base class of ciphers that send a random nonce, the ciphertext and the tag of an AEAD for each message.

The subclass names the AEAD.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import repeat
from operator import add
from struct import Struct
from typing import Any, ClassVar, NoReturn, Protocol
from weakref import WeakSet

from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import HandshakeFailed, LocalError, Tampered
from plytalk.core.contracts.peers import Role, SessionSecrets, copies_keys, wipe
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.spans import Passed, Reader, Span

NONCE = 12
TAG = 16
POOL = 512
NONCES = Struct(f"{NONCE}s" * POOL)
"""The number of nonces to draw at once: asking the system for twelve random bytes takes as long as sealing a line."""
MAX_SEALED = 2**32  # messages under one key with random nonces (NIST SP 800-38D, section 8.3)


_living: "WeakSet[RandomNonceCipher]" = WeakSet()


class Aead(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


class RandomNonceCipher(Cipher):
    """Each message is 12 fresh random bytes, the ciphertext, and the 16-byte tag; no associated data.

    One key may serve both directions, which is why this gives no `DIRECTION_KEYS` and no `ORDER`. A key that
    comes as a `bytearray` is overwritten.
    """

    needs = {Property.KEYS, Property.BOUNDARIES}
    gives = {Property.SECRECY, Property.INTEGRITY}
    overhead = NONCE + TAG
    tolerant = True
    key_sizes: ClassVar[tuple[int, ...]] = (32,)

    def __init__(self, secrets: SessionSecrets, role: Role, **options: Any) -> None:
        for key in (secrets.send, secrets.receive):
            if len(key) not in self.key_sizes:
                raise HandshakeFailed(
                    f"The handshake left a key of {len(key)} bytes; the cipher `{self.name}` takes {self.key_sizes}."
                )
        self._encrypt = self.primitive(secrets.send).encrypt
        self._decrypt = self.primitive(secrets.receive).decrypt
        for key in (secrets.send, secrets.receive):
            if isinstance(key, bytearray) and copies_keys(self.primitive, len(key)):
                wipe(key)
        self._nonces: list[bytes] = []
        self._left, self._process = MAX_SEALED, os.getpid()
        _living.add(self)

    @classmethod
    def primitive(cls, key: bytes | bytearray) -> Aead:
        """The AEAD under a key."""
        raise NotImplementedError

    def seal(self, plaintext: bytes) -> bytes:
        if not self._nonces:
            self._draw()
        nonce = self._nonces.pop()
        return nonce + self._encrypt(nonce, plaintext, None)

    def seal_batch(self, plaintexts: Sequence[bytes]) -> list[bytes]:
        count = len(plaintexts)
        while len(self._nonces) < count:
            self._draw()
        nonces = self._nonces[-count:]
        del self._nonces[-count:]
        return list(map(add, nonces, map(self._encrypt, nonces, plaintexts, repeat(None))))

    def _draw(self) -> None:
        """Draw more nonces."""
        if os.getpid() != self._process:
            raise LocalError("This conversation belongs to another process.")
        if self._left < POOL:
            raise LocalError("Too many messages under one key with random nonces.", "Start a new conversation.")
        self._left -= POOL
        self._nonces += NONCES.unpack(os.urandom(NONCES.size))

    def open(self, sealed: bytes) -> bytes:
        try:
            return self._decrypt(sealed[:NONCE], sealed[NONCE:], None)
        except Exception:  # every failure looks the same to the peer
            raise Tampered(
                "A message did not decrypt and was dropped: it was changed in transit, or encrypted with another key."
            ) from None

    def open_batch(self, sealed: Sequence[bytes]) -> list[bytes]:
        nonces, rests = [one[:NONCE] for one in sealed], [one[NONCE:] for one in sealed]
        return list(map(self._decrypt, nonces, rests, repeat(None)))

    def fields(self, message: Passed) -> Iterator[Span]:
        sealed = Reader(message.data)
        yield sealed.take("nonce", NONCE, made_of="random bytes, new for each message")
        yield sealed.take("ciphertext", sealed.left - TAG, made_of="key, nonce, plaintext")
        yield sealed.rest("tag", made_of="key, nonce, ciphertext")

    def forget(self) -> None:
        self._encrypt = self._decrypt = _refuse
        self._nonces.clear()


def _refuse(nonce: bytes, data: bytes, associated_data: bytes | None) -> NoReturn:
    """Replaces the AEAD after its key was forgotten."""
    raise LocalError("This key is forgotten.", "Make a new connection.")


def _forget_nonces() -> None:
    """Discard all nonces in a forked child: the parent uses them."""
    for cipher in _living:
        cipher._nonces.clear()


with suppress(AttributeError):  # absent on systems without fork
    os.register_at_fork(after_in_child=_forget_nonces)
