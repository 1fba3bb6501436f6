"""AES-GCM, as demo02 and secure-chat use it (NIST SP 800-38D).

+-------+------------+-----+
| nonce | ciphertext | tag |      12 random bytes, as long as the plaintext, 16 bytes
+-------+------------+-----+
"""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plytalk.core.bases.aead import RandomNonceCipher
from plytalk.core.registry.hookspecs import hookimpl


class AesGcm(RandomNonceCipher):
    """AES in Galois/Counter Mode, with a random nonce for each message."""

    name = "aesgcm"
    prefers = {"framer": "typed", "handshake": "rsa"}
    key_sizes = (32, 16, 24)

    @classmethod
    def primitive(cls, key: bytes | bytearray) -> AESGCM:
        return AESGCM(key)


@hookimpl
def layers() -> list[type[AesGcm]]:
    return [AesGcm]
