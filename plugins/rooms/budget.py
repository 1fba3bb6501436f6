"""The budget of a member: messages, requests, bytes and work. All of it is charged here, before the work is done.

    messages   to others: the server's --rate, if more than two members are in the room
    bytes      sent by the member: BYTES a second, if more than two members are in the room
    requests   commands, items that are not messages, and records without items; an answer costs according to its length
    work       of reading all this: a member that has used up its turn waits for the next one (`Turns`)

When a budget is used up, the server stops reading from the member, even in the middle of a record. Nothing is lost: the rest
waits at the sender.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from plytalk.core.contracts.limits import DEFAULT_LIMITS, KIB, MIB

if TYPE_CHECKING:
    import asyncio

BYTES = 512 * KIB
"""The bytes per second that a member may send in a room of more than two. Members that send more share this rate."""
BURST_BYTES = 256 * KIB
"""The bytes that a member may send at once."""
REQUESTS = 20.0
"""The requests per second that a member may make, in any room."""
BURST_REQUESTS = 80.0
"""The requests that a member may make at once."""
ITEM = 0.25
"""The cost, in requests, of an item that is not a message, and of a record without items."""
SIGNAL = 1 - ITEM
"""The additional cost of a signal, or of an item about a file, so that each counts as one request."""
ANSWER = 1 * KIB
"""The number of bytes of an answer that cost one request."""
UNFINISHED = 32 * MIB
"""The largest number of bytes kept for all members together, of incomplete frames and messages and of waiting items."""
TURN = 1000
"""The work that a member may cause in its turn, in units. A message costs one unit; below are the other costs."""
RECORD = 4
"""The work of a record, whatever its content."""
PIECE = 64
"""The number of bytes of a record that cost one more unit."""
DELIVERED = 16 * KIB
"""The number of bytes, sent to all members of the room together because of a message, that cost one more unit."""
COMMAND = 50
"""The work of a command or of an item that is not a message."""
TOGETHER = 4 * TURN
"""The work that all members together may cause in one turn of the event loop. Members beyond that wait for the next turn."""
SLICE = TURN * DELIVERED
"""The bytes sent to all members together in one turn of the event loop: as many as one member may cause in its turn."""
SENT = 2 * KIB
"""The fixed cost of sending to one member, as a number of bytes."""


class Rates(NamedTuple):
    """The limits of each member: messages per second, 0 for no limit, and messages at once."""

    messages: float
    burst: float


class Budget:
    """What is left of one member's budget. A value below zero means that it is overdrawn."""

    __slots__ = ("awaited", "expected", "messages", "octets", "requests", "since", "work")

    def __init__(self, rates: Rates, now: float) -> None:
        self.messages, self.requests, self.octets, self.work = rates.burst, BURST_REQUESTS, float(BURST_BYTES), float(TURN)
        self.since = now
        self.expected = self.awaited = 0
        """The bytes and items that the server has asked for, and that are not charged."""

    def refill(self, rates: Rates, now: float, crowd: bool, share: int = 1) -> float:
        """Refill for the time since the last call. Return the number of seconds until only work is still below zero.

        Work is refilled by turns and not by time: otherwise many members together could cause any amount of work in one turn of
        the event loop. Without a `crowd`, messages and bytes are free. `share` is the number of members that share the bytes.
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
    """Counts the bytes kept for all members together: incomplete frames and messages, and waiting items.

    Above UNFINISHED, one member is given up: one of the source that holds most, if that is more than one message, otherwise one
    of any source. It is the member whose count has not grown for the longest time: many connections cannot push out a member
    that is sending.
    """

    def __init__(self, give_up: Callable[[object], None]) -> None:
        self._give_up = give_up
        self._kept: OrderedDict[object, tuple[int, object]] = OrderedDict()  # the one that grew last is last
        self._sources: dict[object, int] = {}
        self.total = 0

    def note(self, member: object, size: int, source: object = None) -> None:
        """Set the number of bytes kept for a member. Members of one `source` are counted together."""
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
        if self._sources[greediest] <= DEFAULT_LIMITS.message:
            return next(iter(self._kept))
        return next(member for member, (_, source) in self._kept.items() if source == greediest)


class Turns:
    """Lets members that have used up their work take turns: one in each turn of the event loop.

    All members together may cause TOGETHER units of work in a turn of the loop; `left` is the rest. While it is below zero,
    members wait for the refill, which is scheduled once half is used, so most turns of the loop need none.
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
        """Call `go_on` when the member's turn comes."""
        if not self._waiting:
            self._loop.call_soon(self._next)
        self._waiting.append(go_on)

    def spend(self, work: float) -> None:
        """Charge work to this turn of the loop."""
        self.left -= work
        if self.left < TOGETHER / 2 and not self._refill_is_due:
            self._refill_is_due = True
            self._loop.call_soon(self._refill)

    def wait_for_refill(self, go_on: Callable[[], None]) -> None:
        """Call `go_on` in the next turn of the loop that has some work left."""
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
