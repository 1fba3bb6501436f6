"""ChaCha20-Poly1305 (RFC 8439), laid out as AES-GCM is in secure-chat.

+-------+------------+-----+
| nonce | ciphertext | tag |      12 random bytes, as long as the plaintext, 16 bytes
+-------+------------+-----+
"""

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from plytalk.core.bases.aead import RandomNonceCipher
from plytalk.core.registry.hookspecs import hookimpl


class ChaCha20(RandomNonceCipher):
    """ChaCha20 with Poly1305, with a random nonce for each message."""

    name = "chacha20poly1305"
    prefers = {"framer": "typed", "handshake": "rsa"}

    @classmethod
    def primitive(cls, key: bytes | bytearray) -> ChaCha20Poly1305:
        return ChaCha20Poly1305(key)


@hookimpl
def layers() -> list[type[ChaCha20]]:
    return [ChaCha20]
