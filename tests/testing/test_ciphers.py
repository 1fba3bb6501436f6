"""`check_cipher` holds a cipher to what it claims, and to no more."""

import os
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import HandshakeFailed, Tampered
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.testing import check_cipher


class Xor(Cipher):
    """Every byte is combined with the key's next one: a teaching cipher that claims nothing."""

    name = "xor"
    needs = {Property.KEYS}

    def __init__(self, secrets: SessionSecrets, role: Role) -> None:
        if not secrets.send:
            raise HandshakeFailed("There is no key.")
        self._secrets = secrets

    def seal(self, plaintext: bytes) -> bytes:
        return self._with(self._secrets.send, plaintext)

    def open(self, sealed: bytes) -> bytes:
        return self._with(self._secrets.receive, sealed)

    @staticmethod
    def _with(key: bytes, data: bytes) -> bytes:
        return bytes(byte ^ key[at % len(key)] for at, byte in enumerate(data))


class CountedSource(Cipher):
    """AES-GCM under a key for each direction, with a counter for the nonce: what a good record layer does."""

    name = "counted"
    needs = {Property.KEYS}
    gives = {Property.SECRECY, Property.INTEGRITY, Property.DIRECTION_KEYS, Property.ORDER}
    overhead = 16

    def __init__(self, secrets: SessionSecrets, role: Role) -> None:
        if len(secrets.send) != 32 or len(secrets.receive) != 32:
            raise HandshakeFailed("The keys are not 32 bytes long.")
        self._send, self._receive = AESGCM(secrets.send), AESGCM(secrets.receive)
        self._sent = self._received = 0

    def seal(self, plaintext: bytes) -> bytes:
        self._sent += 1
        return self._send.encrypt(self._sent.to_bytes(12, "big"), plaintext, None)

    def open(self, sealed: bytes) -> bytes:
        try:
            plaintext = self._receive.decrypt((self._received + 1).to_bytes(12, "big"), sealed, None)
        except (InvalidTag, ValueError):
            raise Tampered from None
        self._received += 1
        return plaintext

    @property
    def sealed_count(self) -> int:
        return self._sent


@pytest.mark.parametrize("make", [Xor, CountedSource])
def test_a_cipher_that_keeps_its_promises_passes(make: type[Cipher]) -> None:
    check_cipher(make)


class XorThatBoasts(Xor):
    """Claims secrecy."""

    gives = {Property.SECRECY}


class XorThatClaimsIntegrity(Xor):
    """Claims integrity."""

    gives = {Property.INTEGRITY}


class Plain(CountedSource):
    """Hides nothing."""

    gives = {Property.SECRECY}
    needs = frozenset()

    def seal(self, plaintext: bytes) -> bytes:
        return plaintext + os.urandom(4)

    def open(self, sealed: bytes) -> bytes:
        return sealed[:-4]


class OneNonce(CountedSource):
    """Every message under the same nonce, with something random to look fresh."""

    gives = {Property.SECRECY}
    overhead = 20

    def seal(self, plaintext: bytes) -> bytes:
        self._sent = 0
        return super().seal(plaintext) + os.urandom(4)

    def open(self, sealed: bytes) -> bytes:
        self._received = 0
        return super().open(sealed[:-4])


class Shared(CountedSource):
    """Two counters for all conversations, which begins to show with the second."""

    counters = {role: [0, 0] for role in Role}

    def __init__(self, secrets: SessionSecrets, role: Role) -> None:
        super().__init__(secrets, role)
        if role is Role.INITIATOR:
            for counters in self.counters.values():
                counters[:] = 0, 0
        self._counters = self.counters[role]

    def seal(self, plaintext: bytes) -> bytes:
        self._sent = self._counters[0]
        self._counters[0] += 1
        return super().seal(plaintext)

    def open(self, sealed: bytes) -> bytes:
        self._received = self._counters[1]
        plaintext = super().open(sealed)
        self._counters[1] += 1
        return plaintext


class AddsMoreThanItSays(CountedSource):
    """Its overhead is wrong."""

    overhead = 15


class LetsInvalidTagOut(CountedSource):
    """Raises what the library raises."""

    def open(self, sealed: bytes) -> bytes:
        self._received += 1
        return self._receive.decrypt(self._received.to_bytes(12, "big"), sealed, None)


class SkipsTheLastByte(CountedSource):
    """Does not authenticate the last byte."""

    overhead = 17

    def seal(self, plaintext: bytes) -> bytes:
        return super().seal(plaintext) + b"!"

    def open(self, sealed: bytes) -> bytes:
        return super().open(sealed[:-1])


class AcceptsItsOwn(CountedSource):
    """Uses the sending key for both directions."""

    gives = {Property.SECRECY, Property.INTEGRITY, Property.DIRECTION_KEYS}

    def __init__(self, secrets: SessionSecrets, role: Role) -> None:
        key = min(secrets.send, secrets.receive)
        super().__init__(SessionSecrets.shared(key), role)

    def seal(self, plaintext: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._send.encrypt(nonce, plaintext, None)

    overhead = 28

    def open(self, sealed: bytes) -> bytes:
        try:
            return self._receive.decrypt(sealed[:12], sealed[12:], None)
        except (InvalidTag, ValueError):
            raise Tampered from None


class ForgetsToCount(AcceptsItsOwn):
    """Claims order."""

    gives = {Property.ORDER}


class CountsBothWays(CountedSource):
    """Counts what it opened as well."""

    @property
    def sealed_count(self) -> int:
        return self._sent + self._received


class SaysNoCount(CountedSource):
    """Counts for itself."""

    sealed_count = property()


class TellsItsKey(CountedSource):
    """Shows its key."""

    def __init__(self, secrets: SessionSecrets, role: Role) -> None:
        super().__init__(secrets, role)
        self._shown = f"<{secrets.send.hex()}>"

    def __repr__(self) -> str:
        return self._shown


class TellsItsKeyInAnError(CountedSource):
    """Tells its key if something is wrong."""

    def __init__(self, secrets: SessionSecrets, role: Role) -> None:
        super().__init__(secrets, role)
        self._key = secrets.receive

    def open(self, sealed: bytes) -> bytes:
        try:
            return super().open(sealed)
        except Tampered:
            raise Tampered(f"It does not open under {self._key!r}.") from None


class TakesAnyKey(CountedSource):
    """Pads a short key."""

    def __init__(self, secrets: SessionSecrets, role: Role) -> None:
        super().__init__(SessionSecrets(secrets.send.ljust(32)[:32], secrets.receive.ljust(32)[:32]), role)


class ChokesOnOddKeys(CountedSource):
    """Lets ValueError out."""

    def __init__(self, secrets: SessionSecrets, role: Role) -> None:
        self._send, self._receive = AESGCM(secrets.send), AESGCM(secrets.receive)
        self._sent = self._received = 0


class LosesCountWhenTampered(CountedSource):
    """Says that it is tolerant, and moves its counter for what does not open."""

    tolerant = True

    def open(self, sealed: bytes) -> bytes:
        try:
            return super().open(sealed)
        except Tampered:
            self._received += 1
            raise


class GivesNothing(Xor):
    """Forgets the plaintext."""

    def open(self, sealed: bytes) -> bytes:
        return b""


class Quiet(Xor):
    name = "quiet"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (XorThatBoasts, "same words look the same twice"),
        (XorThatClaimsIntegrity, "bit 0 of byte 0 flipped"),
        (Plain, "sealed message contains the plaintext"),
        (OneNonce, "same keystream"),
        (Shared, "disturb each other"),
        (AddsMoreThanItSays, "`overhead` says at most 15"),
        (LetsInvalidTagOut, "`open` raises InvalidTag"),
        (SkipsTheLastByte, "is accepted"),
        (AcceptsItsOwn, "sent back to its sender is accepted"),
        (ForgetsToCount, "accepted twice"),
        (CountsBothWays, "`sealed_count` is 0, and 2 after"),
        (SaysNoCount, "has no `sealed_count`"),
        (TellsItsKey, "the cipher's repr"),
        (TellsItsKeyInAnError, "the error's text"),
        (TakesAnyKey, "empty key"),
        (ChokesOnOddKeys, "A key of 0 bytes makes the cipher raise ValueError"),
        (LosesCountWhenTampered, "`tolerant`"),
        (GivesNothing, "does not open what was sealed"),
        (Quiet, "has no docstring"),
    ],
)
def test_a_weakened_cipher_fails_in_words(make: type[Cipher], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_cipher(make)


def test_the_secrets_may_be_any_that_a_handshake_leaves() -> None:
    """As where both directions share one key, or where a key has another length."""

    def shared() -> tuple[SessionSecrets, SessionSecrets]:
        key = os.urandom(32)
        return SessionSecrets.shared(key), SessionSecrets.shared(key)

    class OneKey(AcceptsItsOwn):
        """One key for both directions, as the existing chats have it."""

        gives = {Property.SECRECY, Property.INTEGRITY}

    check_cipher(OneKey, shared)
    asked: list[Any] = []

    def noticed() -> tuple[SessionSecrets, SessionSecrets]:
        asked.append(True)
        return shared()

    check_cipher(OneKey, noticed)
    assert asked
