"""Ways in which a network cuts bytes. The same seed always cuts alike, so that what failed once fails again."""

from collections.abc import Iterator
from random import Random

from plytalk.core.io.memory_stream import Cut

SHORT = 200
"""Up to this length, in bytes, every single place is tried."""


def seeded(seed: int) -> Random:
    """A generator for test data, where repeating matters and secrecy does not."""
    return Random(seed)  # noqa: S311


def whole(data: bytes) -> list[bytes]:
    """In one piece."""
    return [data]


def byte_by_byte(data: bytes) -> list[bytes]:
    """Each byte on its own."""
    return [data[at : at + 1] for at in range(len(data))]


def randomly(seed: int) -> Cut:
    """Pieces of any length, mostly short."""
    random = seeded(seed)

    def cut(data: bytes) -> list[bytes]:
        pieces, at = [], 0
        while at < len(data):
            size = random.choice((1, 2, 3, 5, 8, 64, 1000, len(data)))
            pieces.append(data[at : at + size])
            at += size
        return pieces

    return cut


def cuts(data: bytes, seeds: int = 8) -> Iterator[list[bytes]]:
    """`data` cut in many ways: whole, byte by byte, in two at every place where it is short, and at random."""
    yield [data]
    yield byte_by_byte(data)
    for at in range(1, len(data)) if len(data) <= SHORT else ():
        yield [data[:at], data[at:]]
    for seed in range(seeds):
        yield randomly(seed)(data)


def places(length: int, most: int) -> list[int]:
    """At most `most` places in `length` bytes: both ends, and evenly between them."""
    if length <= most:
        return list(range(length))
    return sorted({round(step * (length - 1) / (most - 1)) for step in range(most)})


def flipped(data: bytes, bit: int) -> bytes:
    """`data` with one bit the other way round."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
