"""How many lines went out in which pieces: for messages without acknowledgements, where only bytes can be counted."""

from collections import deque

REMEMBERED = 10_000
"""Of how many of the last pieces sent it is known how many lines are in each."""


class Pieces:
    """The pieces that went out over one connection."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)

    def sent(self, lines: int, size: int) -> None:
        """So many lines went out in so many bytes."""
        self._pieces.append((lines, size))

    def lines_in(self, size: int) -> int:
        """How many lines may be in the last `size` bytes."""
        found = 0
        for lines, length in reversed(self._pieces):
            if size <= 0:
                break
            found += lines
            size -= length
        return found
