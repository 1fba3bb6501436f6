"""The record layer, explored exhaustively: every way in which an attacker on the path can play with a short conversation.

Two sides say two lines each and end. A record is (key, number, words): the key is the sender's own where there are direction
keys, the number is there where records are counted, and the end is its own record where it is authenticated. The attacker
knows no key; it has one ability at a time. It succeeds where a conversation ends, nobody noticed anything, and somebody was
shown something else than what the other side said.

    python tests/system/verdicts/models/record_layer.py        prints the table
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from verdicts.models.reachable import reachable

ABILITIES = ("duplicate", "reorder", "reflect", "truncate", "drop")
SIDES = ("client", "server")
LINES = 2
END = "end"

Record = tuple[str, int | None, str]


@dataclass(frozen=True)
class Layer:
    """What the records have. `accepts(expected, number)` is the receiver's look at the counter."""

    direction_keys: bool
    counter: bool
    close: bool
    accepts: Callable[[int, int], bool] = lambda expected, number: number == expected

    def records(self, side: str) -> tuple[Record, ...]:
        """All that a side sends."""
        words = [f"{side} {number}" for number in range(LINES)] + ([END] if self.close else [])
        key = side if self.direction_keys else "both"
        return tuple((key, number if self.counter else None, said) for number, said in enumerate(words))

    def opens(self, receiver: str, expected: int, record: Record) -> bool:
        """Whether a record opens for a receiver that has opened `expected` records."""
        key, number, _ = record
        right = key == (other(receiver) if self.direction_keys else "both")
        return right and (number is None or self.accepts(expected, number))


def other(side: str) -> str:
    return SIDES[1 - SIDES.index(side)]


@dataclass(frozen=True)
class ReceivingSide:
    """One receiver: what was delivered to it (by place in the sender's list), what it was shown, and how it ended."""

    delivered: tuple[int, ...] = ()
    opened: int = 0
    shown: tuple[str, ...] = ()
    over: str = ""  # "", "clean" or "alarm"


@dataclass(frozen=True)
class State:
    """How many records each side has sent, and both receivers."""

    sent: tuple[int, int] = (0, 0)
    receivers: tuple[ReceivingSide, ReceivingSide] = (ReceivingSide(), ReceivingSide())
    used: bool = False


class Network:
    """All that can happen between both sides of a layer, with an attacker of one ability ("" for none)."""

    def __init__(self, layer: Layer, ability: str) -> None:
        self.layer, self.ability = layer, ability
        self.records = {side: layer.records(side) for side in SIDES}

    def broken(self) -> bool:
        """Whether the attacker can succeed."""
        return any(self.fooled(state) for state in self.reachable())

    def reachable(self) -> set[State]:
        return set(reachable(State(), self.moves))

    def fooled(self, state: State) -> bool:
        """The end, no alarm, and something else was shown than what was said."""
        if any(receiver.over != "clean" for receiver in state.receivers):
            return False
        return any(
            receiver.shown != tuple(f"{other(side)} {number}" for number in range(LINES))
            for side, receiver in zip(SIDES, state.receivers, strict=True)
        )

    def moves(self, state: State) -> Iterator[State]:
        for index, side in enumerate(SIDES):
            if state.sent[index] < len(self.records[side]):
                yield replace(state, sent=changed(state.sent, index, state.sent[index] + 1))
            receiver = state.receivers[index]
            if not receiver.over:
                for following, used in self.hears(side, receiver, state):
                    yield replace(state, receivers=changed(state.receivers, index, following), used=state.used or used)

    def hears(self, side: str, receiver: ReceivingSide, state: State) -> Iterator[tuple[ReceivingSide, bool]]:
        """All that may reach a receiver now, and whether that took the attacker."""
        theirs = self.records[other(side)]
        there = range(state.sent[SIDES.index(other(side))])  # what the other side has sent so far
        missing = [place for place in there if place not in receiver.delivered]
        if missing:
            yield self.deliver(side, receiver, missing[0], theirs[missing[0]]), False
        if len(receiver.delivered) == len(theirs) == len(there):
            yield self.ended(receiver), False
        match self.ability:
            case "duplicate" if not state.used:  # once is enough, and twice never ends
                for place in receiver.delivered:
                    yield replace(self.deliver(side, receiver, place, theirs[place]), delivered=receiver.delivered), True
            case "reorder":
                for place in missing[1:]:
                    yield self.deliver(side, receiver, place, theirs[place]), True
            case "reflect" if missing:  # it replaces what the other side sent
                for own in self.records[side][: state.sent[SIDES.index(side)]]:
                    yield self.deliver(side, receiver, missing[0], own), True
            case "truncate":
                yield self.ended(receiver), True
            case "drop":  # of what something follows: to lose the last is to truncate
                if len(missing) > 1:
                    yield replace(receiver, delivered=(*receiver.delivered, missing[0])), True

    def deliver(self, side: str, receiver: ReceivingSide, place: int, record: Record) -> ReceivingSide:
        if not self.layer.opens(side, receiver.opened, record):
            return replace(receiver, over="alarm")
        receiver = replace(receiver, delivered=(*receiver.delivered, place), opened=receiver.opened + 1)
        return replace(receiver, over="clean") if record[2] == END else replace(receiver, shown=(*receiver.shown, record[2]))

    def ended(self, receiver: ReceivingSide) -> ReceivingSide:
        """The connection ends: where an end is authenticated, this is none."""
        return replace(receiver, over="alarm" if self.layer.close else "clean")


def changed(pair: tuple, index: int, value: object) -> tuple:
    return (*pair[:index], value, *pair[index + 1 :])


def verdicts(layer: Layer) -> dict[str, bool]:
    """For each ability, whether an attacker with it succeeds."""
    return {ability: Network(layer, ability).broken() for ability in ABILITIES}


def main() -> None:
    for flags in ((False, False, False), (True, False, False), (False, True, False), (True, True, False), (True, True, True)):
        row = verdicts(Layer(*flags))
        print(" / ".join("yes" if flag else "no" for flag in flags), row)


if __name__ == "__main__":
    main()
