"""Bytes that look random and come from a seed: the same every time, and written down as they are drawn."""

from hashlib import shake_256

LABEL = b"plytalk lab vectors"


class SeededDraws:
    """Draws for one side, `name`, of the vector `number`: SHAKE256 of the seed, the side, the purpose and a counter.

    `drawn` has what was drawn, by its purpose, in hex.
    """

    def __init__(self, seed: int, number: int, name: str) -> None:
        self._head = LABEL + f"|{seed}|{number}|{name}|".encode()
        self.drawn: dict[str, list[str]] = {}

    def __call__(self, purpose: str, size: int) -> bytes:
        drawn = self.drawn.setdefault(purpose, [])
        value = shake_256(self._head + f"{purpose}|{len(drawn)}".encode()).digest(size)
        drawn.append(value.hex())
        return value
