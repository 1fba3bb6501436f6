"""What a connection hands its items to."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from plytalk.core.contracts.items import Item


class ItemReceiver(Protocol):
    """What a connection hands its items to."""

    def receive(self, items: Iterable[Item], size: int, records: int) -> Iterator[Item] | None:
        """Take the items of one batch, in order: of so many records, of so many sealed bytes in all.

        Where `Connection.stop_reading` was called meanwhile, return the items that are left: they are handed over again, with a
        size of 0 and as 0 records, when reading goes on.
        """

    def read_done(self, size: int) -> None:
        """All complete records in a read of `size` bytes have been handed over."""

    def skipped(self, why: str) -> None:
        """A frame was skipped, for a reason in words."""

    def fail(self, error: BaseException) -> None:
        """A layer raised this, in either direction. What came before has been handed over."""

    def ended(self, error: Exception | None) -> None:
        """The stream is over: closed by the peer, or broken by the error; perhaps the one and then the other."""
