"""The number of sealed messages, which only the cipher counts."""

from typing import Protocol, runtime_checkable

from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import BrokenPlugin
from plytalk.core.contracts.messages import Messages


@runtime_checkable
class CountsSealed(Protocol):
    """A cipher that numbers its messages, as each cipher with ORDER must."""

    @property
    def sealed_count(self) -> int:
        """How many messages it has sealed."""


@runtime_checkable
class TellsSealed(Protocol):
    """Messages that tell the other side how many were sealed, such as in a goodbye."""

    def count_by(self, cipher: CountsSealed) -> None:
        """Called once with the cipher, before the first `pack` of a connection."""


def count_by_cipher(messages: Messages, cipher: Cipher) -> None:
    """Pass the cipher to messages that need its count. Raises BrokenPlugin if the cipher does not count."""
    if count_by := getattr(messages, "count_by", None):  # `isinstance` with a Protocol looks at every member each time
        if not hasattr(cipher, "sealed_count"):
            raise BrokenPlugin(f"The cipher `{cipher.name}` does not say how many messages it has sealed.")
        count_by(cipher)
