"""What a server says when it listens: its addresses, in a few rows of the screen, and the line that others type to join."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from plytalk.core.stack.selection import Stack

COLUMNS = 80
"""The least number of columns that a terminal is expected to have."""
SHORT, SHORTEST = 30, 20
"""Characters of an address in a list of several; a longer one is shortened in the middle."""


class Door(NamedTuple):
    """An open listener, and the stack with its transport."""

    stack: Stack
    address: str


class WayIn(NamedTuple):
    """A sentence that says how others join through a door. `line` is what they paste or open; `detail` is as in a notice."""

    sentence: str
    line: str
    door: Door
    detail: bool = False


def listening_sentences(doors: Sequence[Door], guests: Sequence[Door], names: Iterable[str]) -> Iterator[str]:
    """Return a sentence about each door. The first one names all doors, and the guests' ports as `--guests` takes them."""
    layers = doors[0].stack.short_line
    ports = [
        f"{name}:{guest.address.rpartition(':')[2]}"
        for name, guest in zip(names, guests, strict=True)
        if not guest.stack.transport.guests  # these have their own sentence below
    ]
    places = [*doors, *(guest for guest in guests if guest.stack.transport.guests)]
    what = f" ({', '.join(ports)})" if ports else ""
    if len(places) > 1:
        yield first_that_fits(f"Listening on {where}{what}." for where in all_places(places))
    else:
        yield about_one(doors[0].address, [what] if ports else endings(doors[0], layers))
    for door in doors[1:]:
        yield about_one(door.address, endings(door, f"{door.stack.transport.name} | {layers}"))


def about_one(address: str, ends: Iterable[str]) -> str:
    """Say where one door is, with the first of these endings with which the sentence fits in a row."""
    return first_that_fits(f"Listening on {address}{end}." for end in ends)


def endings(door: Door, layers: str) -> Iterator[str]:
    """Return what can follow the address of one door, the longest first."""
    yield f" with {layers}"
    yield f" with {door.stack.transport.name}"
    yield ""


def all_places(doors: Sequence[Door]) -> Iterator[str]:
    """Return all doors in one phrase, in versions that become shorter: with addresses, with shortened addresses, and with only
    the transports of all but the first.
    """
    for most in (COLUMNS, SHORT):
        yield listed([f"{shortened(address, most)} ({stack.transport.name})" for stack, address in doors])
    kinds = Counter(door.stack.transport.name for door in doors[1:])
    others = listed([f"{name} ({count})" if count > 1 else name for name, count in kinds.items()])
    for most in (COLUMNS, SHORT, SHORTEST):
        yield f"{shortened(doors[0].address, most)} and by {others}"


def shortened(address: str, most: int) -> str:
    """Shorten an address to at most this many characters of its beginning and its end."""
    return address if len(address) <= most else f"{address[: most // 3]}...{address[len(address) - (most - most // 3 - 3) :]}"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def first_that_fits(sentences: Iterable[str]) -> str:
    """Return the first text that fits into a row, or the last one."""
    for sentence in sentences:
        if len(sentence) <= COLUMNS:
            break
    return sentence
