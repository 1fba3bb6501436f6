"""Everything that can happen: what all models here are explored by."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

S = TypeVar("S")


def reachable(begin: S, moves: Callable[[S], Iterable[S]]) -> Iterator[S]:
    """Every state that can be reached, each once."""
    seen, waiting = {begin}, [begin]
    while waiting:
        state = waiting.pop()
        yield state
        for following in moves(state):
            if following not in seen:
                seen.add(following)
                waiting.append(following)
