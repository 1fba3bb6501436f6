"""What a server says when it listens: where, in the rows that a first screen has for that, and by what line others come in."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from plytalk.core.io.display import wrapped
from plytalk.core.stack.selection import Stack

COLUMNS = 80
"""How many columns a terminal has at least."""
ROWS = 2
"""How many rows of them all addresses may take. A single one takes one."""
SHORT = 30
"""Characters of an address where it stands among others; the rest of a long one is left out of its middle."""


class Door(NamedTuple):
    """An open listener, and the stack with its transport."""

    stack: Stack
    address: str


class WayIn(NamedTuple):
    """A sentence that says how others come in by a door; `line` is what they paste or open, and `detail` as in a notice."""

    sentence: str
    line: str
    door: Door
    detail: bool = False


def listening_sentences(doors: Sequence[Door], guests: Sequence[Door], names: Iterable[str]) -> Iterator[str]:
    """A sentence for each door: where it listens. The first one names all, and the guests' ports as `--guests` takes them."""
    layers = doors[0].stack.short_line
    ports = [
        f"{name}:{guest.address.rpartition(':')[2]}"
        for name, guest in zip(names, guests, strict=True)
        if not guest.stack.transport.guests  # these have a door of the transport's
    ]
    places = [*doors, *(guest for guest in guests if guest.stack.transport.guests)]
    what = f" ({', '.join(ports)})" if ports else ""
    if len(places) > 1:
        yield first_that_fits([f"Listening on {where}{what}." for where in all_places(places)], ROWS)
    else:
        yield about_one(doors[0].address, [what] if ports else endings(doors[0], layers))
    for door in doors[1:]:
        yield about_one(door.address, endings(door, f"{door.stack.transport.name} | {layers}"))


def about_one(address: str, ends: Iterable[str]) -> str:
    """Where one door is, with the first of these ends that leaves it in a row."""
    return first_that_fits(f"Listening on {address}{end}." for end in ends)


def endings(door: Door, layers: str) -> Iterator[str]:
    """What follows the address of one door, the longest first."""
    yield f" with {layers}"
    yield f" with {door.stack.transport.name}"
    yield ""


def all_places(doors: Sequence[Door]) -> Iterator[str]:
    """All doors in one phrase: with their addresses, with short ones, and but for the first by their transports alone."""
    for most in (COLUMNS * ROWS, SHORT):
        yield listed([f"{shortened(address, most)} ({stack.transport.name})" for stack, address in doors])
    yield f"{doors[0].address} and by {listed([door.stack.transport.name for door in doors[1:]])}"


def shortened(address: str, most: int) -> str:
    """An address with so many characters at most: its beginning and its end tell it from others."""
    return address if len(address) <= most else f"{address[: most // 3]}...{address[len(address) - (most - most // 3 - 3) :]}"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def first_that_fits(sentences: Iterable[str], rows: int = 1) -> str:
    """The first of these that takes so many rows at most, or the last."""
    for sentence in sentences:
        if wrapped(sentence, COLUMNS).count("\n") < rows and len(sentence) <= rows * COLUMNS:
            break
    return sentence
