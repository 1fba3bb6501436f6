"""The budget of a member: messages, requests, bytes and work. All of it is charged here, before the work is done.

    messages   what it says to others: the server's --rate, where more than two are in the room
    bytes      what it sends: BYTES a second, where more than two are in the room
    requests   commands, items that are not messages, records without items; an answer costs by its length
    work       what it takes to read all this: a member that has used up its turn waits for the next one (`Turns`)

When a budget is used up, the server stops reading from the member, even in the middle of a record. Nothing is lost: the rest
waits at the sender.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from plytalk.core.contracts.limits import KIB, MIB, Limits

if TYPE_CHECKING:
    import asyncio

BYTES = 512 * KIB
"""How many bytes per second a member may send if the room has more than two; members that send more share this."""
BURST_BYTES = 256 * KIB
"""How many bytes it may send at once."""
REQUESTS = 20.0
"""How many requests per second a member may make, in all rooms."""
BURST_REQUESTS = 80.0
"""How many it may make at once."""
ITEM = 0.25
"""What an item that is not a message costs, and a record without items, in requests."""
SIGNAL = 1 - ITEM
"""What a signal, or something said about a file, costs beyond that: each of them counts as one request."""
ANSWER = 1 * KIB
"""How many bytes of answers cost as much as one request."""
UNFINISHED = 32 * MIB
"""How many bytes of incomplete frames and messages, and of waiting items, are kept for all members together."""
TURN = 1000
"""How much work a member may cause before it is another member's turn: one for a message, and as below."""
RECORD = 4
"""The work of a record, whatever is in it."""
PIECE = 64
"""For a record of this many bytes, the work grows by one."""
DELIVERED = 16 * KIB
"""The work of a message also grows by one for this many bytes that it has for all members of the room together."""
COMMAND = 50
"""The work of a command or of an item that is not a message."""
TOGETHER = 4 * TURN
"""How much work all members together may cause in one turn of the event loop, before those that come next wait for another."""
SLICE = TURN * DELIVERED
"""How many bytes all members together are sent in one turn of the event loop: as many as one member may cause in its turn."""
SENT = 2 * KIB
"""The fixed work of sending anything, counted as a number of bytes."""


class Rates(NamedTuple):
    """What all members of a server may do: how many messages a second, 0 for any number, and how many at once."""

    messages: float
    burst: float


class Budget:
    """What is left to one member. Each is below zero where more was done than it may do."""

    __slots__ = ("awaited", "expected", "messages", "octets", "requests", "since", "work")

    def __init__(self, rates: Rates, now: float) -> None:
        self.messages, self.requests, self.octets, self.work = rates.burst, BURST_REQUESTS, float(BURST_BYTES), float(TURN)
        self.since = now
        self.expected = self.awaited = 0
        """How many bytes, and how many items, are to come because the server asked for them: these are not charged."""

    def refill(self, rates: Rates, now: float, crowd: bool, share: int = 1) -> float:
        """Add what the time since then is worth; gives how many seconds it takes until nothing is below zero but work, which
        only a turn adds to: with time, many members together could do as much as they like in each turn of the event loop.

        Without a `crowd` messages and bytes are free. `share` is how many members share the bytes.
        """
        passed, self.since = now - self.since, now
        self.requests = min(BURST_REQUESTS, self.requests + passed * REQUESTS)
        if not crowd or not rates.messages:
            self.messages, self.octets = rates.burst, float(BURST_BYTES)
            return max(0.0, -self.requests / REQUESTS)
        rate = BYTES / max(1, share)
        self.messages = min(rates.burst, self.messages + passed * rates.messages)
        self.octets = min(float(BURST_BYTES), self.octets + passed * rate)
        return max(0.0, -self.requests / REQUESTS, -self.messages / rates.messages, -self.octets / rate)


class Unfinished:
    """What is kept of all members together that has come and is not done: unfinished frames and messages, and items that wait.

    Beyond UNFINISHED one is given up: of the source that holds most, if that is more than one message can be; else of any source.
    It is the one that has not grown for longest, so that many connections cannot push out a member that is sending.
    """

    def __init__(self, give_up: Callable[[object], None]) -> None:
        self._give_up = give_up
        self._kept: OrderedDict[object, tuple[int, object]] = OrderedDict()  # the one that grew last is last
        self._sources: dict[object, int] = {}
        self.total = 0

    def note(self, member: object, size: int, source: object = None) -> None:
        """Note how many bytes are kept for a member now; members of one `source` count together."""
        if not size and member not in self._kept:
            return
        before, known = self._kept.pop(member, (0, source))
        self._add(known, -before)
        if size:
            self._kept[member] = size, known
            self._add(known, size)
        while self.total > UNFINISHED and len(self._kept) > 1:
            chosen = self._choose()
            self.note(chosen, 0)
            self._give_up(chosen)

    def _add(self, source: object, size: int) -> None:
        self.total += size
        self._sources[source] = self._sources.get(source, 0) + size
        if not self._sources[source]:
            del self._sources[source]

    def _choose(self) -> object:
        greediest = max(self._sources, key=self._sources.__getitem__)
        if self._sources[greediest] <= Limits.message:
            return next(iter(self._kept))
        return next(member for member, (_, source) in self._kept.items() if source == greediest)


class Turns:
    """Members that have used up their work take turns: one in each turn of the event loop, between those that have some left.

    All members together may cause TOGETHER in a turn of the loop; `left` is what remains of it. Those that come when it is below
    zero wait for the refill. That is due once half is used, so that most turns of the loop need none.
    """

    def __init__(self, loop: "asyncio.AbstractEventLoop") -> None:
        self._loop = loop
        self._waiting: deque[Callable[[], None]] = deque()
        self._later: deque[Callable[[], None]] = deque()
        self.left = float(TOGETHER)
        self._refill_is_due = False

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, go_on: Callable[[], None]) -> None:
        """Call `go_on` when its turn has come."""
        if not self._waiting:
            self._loop.call_soon(self._next)
        self._waiting.append(go_on)

    def spend(self, work: float) -> None:
        """Charge the work that a member causes in this turn of the loop."""
        self.left -= work
        if self.left < TOGETHER / 2 and not self._refill_is_due:
            self._refill_is_due = True
            self._loop.call_soon(self._refill)

    def wait_for_refill(self, go_on: Callable[[], None]) -> None:
        """Call `go_on` in the next turn of the loop in which something is left."""
        self._later.append(go_on)
        self.spend(0)

    def _refill(self) -> None:
        self._refill_is_due, self.left = False, float(TOGETHER)
        while self._later and self.left >= 0:
            self._later.popleft()()

    def _next(self) -> None:
        go_on = self._waiting.popleft()
        if self._waiting:
            self._loop.call_soon(self._next)
        go_on()
