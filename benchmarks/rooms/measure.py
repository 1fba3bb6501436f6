"""Rounds in which every server has its turn, the first one of a round changing; one round before them does not count."""

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from statistics import median
from typing import TypeVar

from benchmarks.rooms.generator import Joined, Ran, Room, room
from benchmarks.rooms.ours import OURS
from benchmarks.rooms.peers import PEERS, Peer, Unable

T = TypeVar("T")
Case = tuple[int, int, int]
"""Members, bytes a message, messages in flight."""
TRIES = 5
JOINING = 100
"""Members that join a new server in each round of joins."""


@dataclass(frozen=True)
class Amount:
    """How much is measured: the cases, rounds of each, seconds of a turn, rounds of joins; how calm the machine has to be."""

    members: Sequence[int] = (10, 100, 1000)
    sizes: Sequence[int] = (64, 256)
    flights: Sequence[int] = (1, 64)
    rounds: int = 7
    seconds: float = 0.5
    joins: int = 3
    calm: float = 1.0

    def turn(self, each: Room, size: int, flight: int) -> Ran:
        """One turn; another where everything else took more than `calm` of the machine meanwhile, up to TRIES times."""
        for _ in range(TRIES):
            if (ran := each.run(size, flight, self.seconds)).others <= self.calm:
                break
        return ran


@dataclass
class Figures:
    """What was measured: rounds of each server for each case, and of joins by how many members joined."""

    ran: dict[Case, dict[str, list[Ran]]] = field(default_factory=dict)
    joined: dict[int, dict[str, list[Joined]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def chosen(names: Sequence[str]) -> list[Peer]:
    """All servers that are there, or those named. Raises Unable for a name that is none."""
    everyone = [OURS, *PEERS]
    if unknown := set(names) - {peer.name for peer in everyone}:
        raise Unable(f"There is no server {sorted(unknown)[0]!r}; there is: {', '.join(peer.name for peer in everyone)}.")
    return [peer for peer in everyone if not names or peer.name in names]


def turns(rooms: list[Room], rounds: int, one: Callable[[Room], Ran], notes: list[str]) -> dict[str, list[Ran]]:
    """A turn of each room in each round. A room that fails has no figures, and no turn any more."""
    found: dict[str, list[Ran]] = {each.peer.name: [] for each in rooms}
    for number in range(rounds + 1):
        for each in turned(rooms, number):
            try:
                ran = one(each)
            except Unable as reason:
                notes.append(str(reason))
                rooms.remove(each)
                del found[each.peer.name]
                continue
            if number:
                found[each.peer.name].append(ran)
    return found


def measure(peers: Sequence[Peer], amount: Amount) -> Figures:
    """All of it. What a server cannot do is left out of the tables, and noted."""
    figures = Figures(notes=[peer.missing for peer in peers if peer.missing])
    there = [peer for peer in peers if not peer.missing]
    for members in amount.members:
        with ExitStack() as stack:
            rooms: list[Room] = []
            for peer in there:
                if one := joining(peer, members, stack, figures):
                    rooms.append(one)
            for size, flight in product(amount.sizes, amount.flights):
                tell(f"{members} members, {size} B, {flight} in flight")
                ran = turns(rooms, amount.rounds, partial(amount.turn, size=size, flight=flight), figures.notes)
                figures.ran[members, size, flight] = ran
    for number in range(amount.joins):  # each into a new server
        for peer in turned(there, number):
            with ExitStack() as stack:
                joining(peer, JOINING, stack, figures)
    return figures


def joining(peer: Peer, members: int, stack: ExitStack, figures: Figures) -> Room | None:
    """A room with its members in, and what their joining took."""
    tell(f"{members} members join {peer.name}")
    try:
        one = stack.enter_context(room(peer, members))
    except Unable as reason:
        figures.notes.append(f"With {members} members: {reason}")
        return None
    figures.joined.setdefault(members, {}).setdefault(peer.name, []).append(one.joined)
    return one


def turned(all_: Sequence[T], number: int) -> list[T]:
    """All of them, another one first in each round."""
    at = number % len(all_) if all_ else 0
    return [*all_[at:], *all_[:at]]


def ratio(upper: Sequence[Ran], lower: Sequence[Ran]) -> float:
    """The median of the rounds' ratios of deliveries a second."""
    return median(one.rate / other.rate for one, other in zip(upper, lower, strict=True))


def cpu_ratio(upper: Sequence[Ran], lower: Sequence[Ran]) -> float:
    """The same for deliveries a second of server CPU."""
    return median(other.cost / one.cost for one, other in zip(upper, lower, strict=True))


def tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
