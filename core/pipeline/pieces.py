"""How many lines went out in which pieces: for messages without acknowledgements, where only bytes can be counted."""

from collections import deque

REMEMBERED = 10_000
"""Of how many of the last pieces sent it is known how many lines are in each."""


class Pieces(deque[tuple[int, int]]):
    """The pieces that went out over one connection: how many lines in how many bytes."""

    def __init__(self) -> None:
        super().__init__(maxlen=REMEMBERED)

    def lines_in(self, size: int) -> int:
        """How many lines may be in the last `size` bytes."""
        found = 0
        for lines, length in reversed(self):
            if size <= 0:
                break
            found += lines
            size -= length
        return found
