"""CipherState (section 5.1), one key and its counter, and SymmetricState (5.2), the state of the key schedule.

A failed decryption ends a CipherState: it forgets its key and refuses everything from then on.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from cryptography.exceptions import InvalidTag

from plytalk.core.contracts.errors import LocalError, Tampered
from plytalk.core.contracts.peers import copies_keys, wipe
from plytalk.plugins.noise.primitives import KEY_LENGTH, TAG_LENGTH, CipherFunctions, Hash

MAX_MESSAGE = 65535  # bytes of any Noise message, section 3
MAX_NONCE = 2**64 - 1  # reserved for rekeying, section 5.1

AeadFunction = Callable[[bytes, bytes, bytes | None], bytes]


class CipherState:
    """A key and its counter (5.1). It always has a key, so it never passes plaintext through, in either direction.

    `seal` and `open` are the AEAD's own methods, called as `seal(nonce(n), data, ad)`, for a record layer that counts in
    its own loop and keeps to MAX_NONCE and MAX_MESSAGE itself. `rekey` and `forget` replace them.
    """

    __slots__ = ("_aead", "_new", "n", "nonce")

    def __init__(self, cipher: CipherFunctions, key: bytes | bytearray) -> None:
        self._new = cipher.new
        self.nonce = cipher.nonce
        self.initialize_key(key)

    def initialize_key(self, key: bytes | bytearray) -> None:
        """InitializeKey(key): set a key of 32 bytes, and the counter to 0. A bytearray is overwritten after it was copied."""
        self._aead: Any = self._new(key)
        self.n = 0
        if isinstance(key, bytearray) and copies_keys(self._new, len(key)):
            wipe(key)

    @property
    def seal(self) -> AeadFunction:
        seal: AeadFunction = self._aead.encrypt
        return seal

    @property
    def open(self) -> AeadFunction:
        open: AeadFunction = self._aead.decrypt
        return open

    def set_nonce(self, n: int) -> None:
        """SetNonce(nonce): set the counter. Raises ValueError outside 0 ... 2^64-2."""
        if not 0 <= n < MAX_NONCE:
            raise ValueError("A nonce is a number from 0 to 2^64-2.")
        self.n = n

    def encrypt_with_ad(self, ad: bytes, plaintext: bytes) -> bytes:
        """EncryptWithAd(ad, plaintext): return the ciphertext, which is 16 bytes longer.

        Raises LocalError, with nothing encrypted, if the counter is used up or the result would exceed MAX_MESSAGE.
        """
        n = self.n
        if n >= MAX_NONCE:
            raise LocalError("This key is used up.", "Make a new connection.")
        if len(plaintext) > MAX_MESSAGE - TAG_LENGTH:
            raise LocalError("This is too long for one Noise message.")
        ciphertext = self.seal(self.nonce(n), plaintext, ad)
        self.n = n + 1
        return ciphertext

    def decrypt_with_ad(self, ad: bytes, ciphertext: bytes) -> bytes:
        """DecryptWithAd(ad, ciphertext): return the plaintext.

        Raises Tampered, and forgets the key, if it does not decrypt. Raises LocalError if the counter is used up.
        """
        n = self.n
        if n >= MAX_NONCE:
            raise LocalError("This key is used up.", "Make a new connection.")
        if len(ciphertext) > MAX_MESSAGE:
            self.forget()
            raise Tampered("A Noise message is longer than the 65535 bytes it may have.")
        try:
            plaintext = self.open(self.nonce(n), ciphertext, ad)
        except InvalidTag as error:
            self.forget()
            raise Tampered from error
        self.n = n + 1
        return plaintext

    def rekey(self) -> None:
        """Rekey(): derive a new key from the old one (4.2). The counter does not change (11.3)."""
        n, sealed = self.n, bytearray(KEY_LENGTH + TAG_LENGTH)
        self._aead.encrypt_into(self.nonce(MAX_NONCE), bytes(KEY_LENGTH), b"", sealed)
        self.initialize_key(sealed[:KEY_LENGTH])
        wipe(sealed)
        self.n = n

    def forget(self) -> None:
        """Drop the key. All later calls raise LocalError."""
        self._aead = _Forgotten

    def __repr__(self) -> str:
        return f"<CipherState n={self.n}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A cipher state is not to be written anywhere.")


class _Forgotten:
    """Replaces an AEAD whose key is forgotten."""

    @staticmethod
    def encrypt(nonce: bytes, data: bytes, ad: bytes | None) -> NoReturn:
        raise LocalError("This key is forgotten.", "Make a new connection.")

    decrypt = encrypt

    @staticmethod
    def encrypt_into(nonce: bytes, data: bytes, ad: bytes | None, into: bytearray) -> NoReturn:
        _Forgotten.encrypt(nonce, data, ad)


class SymmetricState:
    """The chaining key, the hash and the current cipher key (5.2). `cipher` is None until the first MixKey."""

    __slots__ = ("_ciphers", "_hkdf", "_new", "cipher", "ck", "h")

    def __init__(self, name: str, hash_functions: Hash, cipher_functions: CipherFunctions) -> None:
        """InitializeSymmetric(protocol_name)."""
        self._new, self._hkdf, self._ciphers = hash_functions.new, hash_functions.hkdf, cipher_functions
        raw, size = name.encode("ascii"), hash_functions.hashlen
        self.h = self.ck = raw.ljust(size, b"\0") if len(raw) <= size else hash_functions.hash(raw)
        self.cipher: CipherState | None = None

    def mix_key(self, material: bytes) -> None:
        """MixKey(input_key_material)."""
        self._initialize_key(*self._next(material, 2))

    def mix_hash(self, data: bytes | bytearray) -> None:
        """MixHash(data)."""
        self.h = self._new(self.h + data).digest()

    def mix_key_and_hash(self, material: bytes) -> None:
        """MixKeyAndHash(input_key_material)."""
        extra, key = self._next(material, 3)
        self.mix_hash(extra)
        wipe(extra)
        self._initialize_key(key)

    def _next(self, material: bytes, outputs: int) -> list[bytearray]:
        """Set a new chaining key, and return the other outputs of HKDF."""
        first, *others = self._hkdf(self.ck, material, outputs)
        self.ck = bytes(first)
        wipe(first)
        return others

    def _initialize_key(self, key: bytearray) -> None:
        if self.cipher is None:
            self.cipher = CipherState(self._ciphers, key[:KEY_LENGTH])
        else:
            self.cipher.initialize_key(key[:KEY_LENGTH])
        wipe(key)

    def encrypt_and_hash(self, plaintext: bytes) -> bytes:
        """EncryptAndHash(plaintext). Before the first MixKey, it returns the plaintext."""
        ciphertext = plaintext if self.cipher is None else self.cipher.encrypt_with_ad(self.h, plaintext)
        self.h = self._new(self.h + ciphertext).digest()
        return ciphertext

    def decrypt_and_hash(self, ciphertext: bytes) -> bytes:
        """DecryptAndHash(ciphertext). Raises Tampered if it does not decrypt."""
        plaintext = ciphertext if self.cipher is None else self.cipher.decrypt_with_ad(self.h, ciphertext)
        self.h = self._new(self.h + ciphertext).digest()
        return plaintext

    def split(self) -> tuple[CipherState, CipherState]:
        """Split(): return the initiator's sending state, and the responder's."""
        outputs = self._last()
        first, second = (CipherState(self._ciphers, output[:KEY_LENGTH]) for output in outputs)
        wipe(*outputs)
        return first, second

    def _last(self) -> list[bytearray]:
        """Return the keys of both directions, before they are truncated."""
        return self._hkdf(self.ck, b"", 2)

    def __repr__(self) -> str:
        return "<SymmetricState>"
