"""Ciphers encrypt and authenticate messages."""

from abc import abstractmethod
from typing import Any, ClassVar

from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.peers import Role, SessionSecrets


class Cipher(Layer):
    """Seals plaintext into what goes on the wire, and opens it again.

    class Plain(Cipher):
        name = "none"

        def __init__(self, secrets, role): ...
        def seal(self, plaintext): return plaintext
        def open(self, sealed): return sealed

    `tolerant` says what happens after a frame that does not open: the conversation goes on, as in the existing chats, or ends,
    which is the default.
    """

    kind = "cipher"
    overhead: ClassVar[int] = 0
    """The most bytes that `seal` adds."""
    tolerant: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, secrets: SessionSecrets, role: Role, **options: Any) -> None:
        """Created once for each conversation. Raises ChatError if the secrets do not fit."""

    @abstractmethod
    def seal(self, plaintext: bytes) -> bytes:
        """Return the ciphertext of a plaintext: at most `overhead` bytes longer. Raises LocalError after `forget`."""

    @abstractmethod
    def open(self, sealed: bytes) -> bytes:
        """Return the plaintext. Raises Tampered, and nothing else, for everything that `seal` did not make."""

    def forget(self) -> None:
        """Drop the keys. Called once, when the conversation is over; `seal` and `open` are not called again."""
