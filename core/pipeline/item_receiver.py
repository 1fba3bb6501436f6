"""What a connection hands its items to."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from plytalk.core.contracts.items import Item


class ItemReceiver(Protocol):
    """What a connection hands its items to."""

    def receive(self, items: Iterable[Item]) -> Iterator[Item] | None:
        """Take the items of one batch, in order.

        If reading is stopped, now or by a meter before, return the items that are left: they are handed over again when reading
        goes on.
        """

    def skipped(self, why: str) -> None:
        """A frame was skipped, for a reason in words."""

    def fail(self, error: BaseException) -> None:
        """A layer raised this, in either direction. What came before has been handed over."""

    def ended(self, error: Exception | None) -> None:
        """The stream is over: closed by the peer, or broken by the error; perhaps the one and then the other."""
