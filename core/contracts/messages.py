"""Messages layers turn items into plaintext and back."""

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
    """The items that it carries besides text and a plain goodbye. With `Ping` a dead peer is noticed; with `Empty` a server can
    tell a client that it is let in, or with a `Close` why not.
    """
    extensible: ClassVar[bool] = False
    """Whether it carries `Extension` items, whose types features add."""

    def __init__(self, boundaries: bool, **options: Any) -> None:
        self.boundaries = boundaries

    @property
    def unfinished(self) -> int:
        """How many bytes are kept of an incomplete item."""
        return 0

    def prepare(self, text: str) -> str | None:
        """Return what is sent when the user types `text`; None for nothing."""
        return text

    @abstractmethod
    def pack(self, items: Sequence[Item]) -> Iterable[bytes]:
        """Return the plaintexts for all items of one turn of the event loop, in order."""

    @abstractmethod
    def unpack(self, plaintext: bytes) -> Iterable[Item]:
        """Return the items in a plaintext. Raises RemoteError if it is not valid."""
