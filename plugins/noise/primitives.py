"""The functions Noise is built from: DH, cipher and hash functions (sections 4 and 12), KEM functions (hfs section 3).

Each is its own value (`X25519`, `CHACHAPOLY`, `SHA256`, ...), found by the name it has in a protocol name.
All of it is `cryptography`'s and hashlib's work; here stand the shapes the specification wants.
"""

import hashlib
import struct
from collections.abc import Callable
from typing import Any, NoReturn

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM as _AESGCM
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305 as _ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import HashAlgorithm
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.core.contracts.peers import wipe

KEY_LENGTH = 32
TAG_LENGTH = 16


class KeyPair:
    """A private key, as `cryptography`'s object, and its public key in bytes. Shows only the public key."""

    __slots__ = ("private", "public")

    def __init__(self, private: Any, public: bytes) -> None:
        self.private = private
        self.public = public

    def __repr__(self) -> str:
        return f"KeyPair(public={self.public!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A key pair is not to be written anywhere.")


class DH(Struct, eq=False):
    """DH functions (4.1): `dhlen` is the length of public keys and of outputs, in bytes."""

    name: str
    dhlen: int
    private_type: Any
    public_type: Any

    def generate_keypair(self) -> KeyPair:
        """GENERATE_KEYPAIR()."""
        return self._pair(self.private_type.generate())

    def load(self, private: bytes) -> KeyPair:
        """The key pair of `dhlen` private bytes. ValueError for any other length."""
        return self._pair(self.private_type.from_private_bytes(private))

    def dh(self, pair: KeyPair, public: bytes) -> bytes:
        """DH(key_pair, public_key).

        HandshakeFailed for a public key of low order or wrong length: 12.1 permits the check, and we make it.
        """
        try:
            return pair.private.exchange(self.public_type.from_public_bytes(public))  # type: ignore[no-any-return]
        except ValueError as error:
            raise HandshakeFailed("The other side's public key is of low order or malformed.") from error

    @staticmethod
    def _pair(private: Any) -> KeyPair:
        return KeyPair(private, private.public_key().public_bytes_raw())


class CipherFunctions(Struct, frozen=True):
    """Cipher functions (4.2): `new(k)` gives an AEAD object, `nonce(n)` the 12 bytes it takes for the counter n."""

    name: str
    new: Callable[[bytes | bytearray], Any]
    nonce: Callable[[int], bytes]


class Hash(Struct, frozen=True):
    """Hash functions (4.3): `hashlen` and `blocklen` in bytes, `new` is hashlib's."""

    name: str
    hashlen: int
    blocklen: int
    new: Callable[[bytes], Any]
    algorithm: HashAlgorithm

    def hash(self, data: bytes) -> bytes:
        """HASH(data)."""
        return self.new(data).digest()  # type: ignore[no-any-return]

    def hkdf(self, chaining_key: bytes, material: bytes, outputs: int) -> list[bytearray]:
        """HKDF(chaining_key, input_key_material, num_outputs), each of HASHLEN bytes, to be wiped after use.

        This is HKDF of RFC 5869 with the chaining key as salt and without info.
        """
        size = self.hashlen
        whole = bytearray(outputs * size)
        HKDF(self.algorithm, len(whole), chaining_key, b"").derive_into(material, whole)
        result = [whole[at : at + size] for at in range(0, len(whole), size)]
        wipe(whole)
        return result


class KEM(Struct, frozen=True):
    """KEM functions (hfs section 3); lengths in bytes."""

    name: str
    publickeylen: int
    ciphertextlen: int
    private_type: Any
    public_type: Any

    def generate_keypair(self) -> KeyPair:
        """GENERATE_KEM_KEYPAIR()."""
        private = self.private_type.generate()
        return KeyPair(private, private.public_key().public_bytes_raw())

    def encapsulate(self, public: bytes) -> tuple[bytes, bytes]:
        """GENERATE_KEM_CIPHERTEXT(public_key): the ciphertext and the KEM output. HandshakeFailed for a malformed key."""
        try:
            secret, ciphertext = self.public_type.from_public_bytes(public).encapsulate()  # the secret comes first
        except ValueError as error:
            raise HandshakeFailed(f"The other side's {self.name} key is malformed.") from error
        return ciphertext, secret

    def decapsulate(self, pair: KeyPair, ciphertext: bytes) -> bytes:
        """KEM(key_pair, ciphertext).

        A changed ciphertext of the right length gives another output and no error (FIPS 203): what comes next in the
        handshake does not decrypt then. HandshakeFailed for a wrong length.
        """
        try:
            return pair.private.decapsulate(ciphertext)  # type: ignore[no-any-return]
        except ValueError as error:
            raise HandshakeFailed(f"The other side's {self.name} ciphertext is malformed.") from error


X25519 = DH("25519", 32, X25519PrivateKey, X25519PublicKey)  # 12.1
X448 = DH("448", 56, X448PrivateKey, X448PublicKey)  # 12.2
CHACHAPOLY = CipherFunctions("ChaChaPoly", _ChaCha20Poly1305, struct.Struct("<4xQ").pack)  # 12.3: 32 zero bits, n little-endian
AESGCM = CipherFunctions("AESGCM", _AESGCM, struct.Struct(">4xQ").pack)  # 12.4: 32 zero bits, n big-endian
SHA256 = Hash("SHA256", 32, 64, hashlib.sha256, hashes.SHA256())  # 12.5
SHA512 = Hash("SHA512", 64, 128, hashlib.sha512, hashes.SHA512())  # 12.6
BLAKE2S = Hash("BLAKE2s", 32, 64, hashlib.blake2s, hashes.BLAKE2s(32))  # 12.7
BLAKE2B = Hash("BLAKE2b", 64, 128, hashlib.blake2b, hashes.BLAKE2b(64))  # 12.8
MLKEM768 = KEM("MLKEM768", 1184, 1088, MLKEM768PrivateKey, MLKEM768PublicKey)  # FIPS 203

DHS = {dh.name: dh for dh in (X25519, X448)}
CIPHERS = {cipher.name: cipher for cipher in (CHACHAPOLY, AESGCM)}
HASHES = {each.name: each for each in (SHA256, SHA512, BLAKE2S, BLAKE2B)}
KEMS = {kem.name: kem for kem in (MLKEM768,)}
