"""Meters count how much a peer sends, and may stop the reading."""

from typing import Protocol


class Meter(Protocol):
    """Counts what a peer sends before the work is done, and may stop the reading (`Connection.stop_reading`). It does not count
    messages: the hearer gets those, and may stop the reading as well.
    """

    def records(self, count: int, size: int, items: int) -> None:
        """Count received records: their number, their size in bytes, and the number of items in them."""

    def item(self) -> None:
        """Count a received item that is not a message."""

    def kept(self, size: int) -> None:
        """Note how many received bytes are kept now: of unfinished frames and messages, and of items that wait."""
