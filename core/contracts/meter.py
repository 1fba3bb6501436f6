"""What is told how much a peer sends, and may stop the reading."""

from typing import Protocol


class Meter(Protocol):
    """Is told what a peer sends before the work is done, and may stop the reading (`Connection.stop_reading`).

    Messages are not told here: they reach the hearer, which may stop the reading as well.
    """

    def records(self, count: int, size: int, items: int) -> None:
        """So many sealed records came, of so many bytes, with so many items in all."""

    def item(self) -> None:
        """An item came that is not a message."""

    def kept(self, size: int) -> None:
        """So many bytes are kept now of what has come and is not done: unfinished frames and messages, and what waits."""
