"""Which lines were sent in which pieces: for messages without acknowledgements, of which only bytes can be counted."""

from collections import deque

REMEMBERED = 10_000
"""For how many of the last pieces the number of lines is kept."""


class Pieces(deque[tuple[int, int]]):
    """The pieces sent over one connection, each with its number of lines and of bytes."""

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
