"""Ciphers: what is said, sealed."""

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

    `tolerant` says what happens after a frame that does not open: go on (as the existing chats do), or end, the default.
    """

    kind = "cipher"
    overhead: ClassVar[int] = 0
    """Bytes that `seal` adds, at most."""
    tolerant: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, secrets: SessionSecrets, role: Role, **options: Any) -> None:
        """Made once for a conversation. Raises ChatError where the secrets do not fit."""

    @abstractmethod
    def seal(self, plaintext: bytes) -> bytes:
        """What goes on the wire for a plaintext: at most `overhead` bytes more. Raises LocalError where the keys are gone."""

    @abstractmethod
    def open(self, sealed: bytes) -> bytes:
        """Raises Tampered for whatever `seal` did not make, and nothing else."""

    def forget(self) -> None:
        """Called once, when the conversation is over: drop the keys. `seal` and `open` are not called again."""
