"""What differs for each student: values derived from a seed, the same on every machine and in every version of Python.

A seed is any text; for a student it is the fingerprint of the student's key. It is not a secret: anyone can derive what it gives.
"""

from collections.abc import Sequence
from hashlib import shake_256
from typing import TypeVar

from plytalk.trust.word_list import WORDS

CONTEXT = b"plytalk lab exercise/1\0"

T = TypeVar("T")


class Draw:
    """The values of one exercise under one seed, each by its label: in whatever order they are drawn, they are the same."""

    def __init__(self, exercise: int, seed: str) -> None:
        self.exercise, self.seed = exercise, seed
        self._stem = CONTEXT + bytes([exercise]) + len(seed.encode()).to_bytes(8, "big") + seed.encode()

    def key(self, label: str, size: int = 32) -> bytes:
        """As many bytes as asked for."""
        return shake_256(self._stem + label.encode()).digest(size)

    def below(self, label: str, limit: int) -> int:
        """A number from 0 to before `limit`."""
        return int.from_bytes(self.key(label)) % limit

    def shuffled(self, label: str, values: Sequence[T]) -> list[T]:
        """The values in another order."""
        keyed = [(self.key(f"{label} {number}"), number) for number in range(len(values))]
        return [values[number] for _, number in sorted(keyed)]

    def one(self, label: str, values: Sequence[T]) -> T:
        return values[self.below(label, len(values))]

    def words(self, label: str, count: int) -> list[str]:
        """Words of the list that people compare, no two of them alike."""
        return self.shuffled(label, WORDS)[:count]
