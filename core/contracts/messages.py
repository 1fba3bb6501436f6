"""Messages: words as plaintext, and back."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

from plytalk.core.contracts.items import Item
from plytalk.core.contracts.layer import Layer


class Messages(Layer):
    """Turns what people say into plaintext and back.

    class Text(Messages):
        name = "text"

        def pack(self, items): return [item.encode() for item in items]
        def unpack(self, plaintext): return [plaintext.decode()]

    An item is a `str` (something said) or one of the other items, such as `Close` and `Ping`.
    """

    kind = "messages"
    carries: ClassVar[AbstractSet[type]] = frozenset()
    """Which items it carries besides text and a plain goodbye: with `Ping` a dead peer is noticed, with `Empty` a server can say
    that it lets a client in, or in a `Close` why not."""
    extensible: ClassVar[bool] = False
    """Whether it carries `Extension` items, the types that features bring."""

    def __init__(self, boundaries: bool, **options: Any) -> None:
        self.boundaries = boundaries

    @property
    def unfinished(self) -> int:
        """How many bytes are kept of an item whose end has not come."""
        return 0

    def prepare(self, text: str) -> str | None:
        """What is really said when the user types `text`; None for nothing at all."""
        return text

    @abstractmethod
    def pack(self, items: Sequence[Item]) -> Iterable[bytes]:
        """Plaintexts for all that is said within one turn, in order."""

    @abstractmethod
    def unpack(self, plaintext: bytes) -> Iterable[Item]:
        """What a plaintext says. Raises RemoteError where it says nothing sensible."""
