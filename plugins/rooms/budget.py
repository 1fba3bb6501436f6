"""What one member may cost: messages, requests, bytes and work. All of it is charged here, before it is done.

    messages   what it says to others: the server's --rate, where more than two are in the room
    bytes      what it sends: BYTES a second, where more than two are in the room
    requests   commands, items that are not messages, records without items; an answer costs by its length
    work       what it takes to read all this: a member that has used up its turn waits for the next one (`Turns`)

A budget that is used up stops the reading, in the middle of a record if need be. Nothing is lost: what comes next waits at the
sender.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from plytalk.core.limits import KIB, MIB

if TYPE_CHECKING:
    import asyncio

BYTES = 512 * KIB
"""How many bytes a second a member may send where more than two are in the room; members that send more share this."""
BURST_BYTES = 256 * KIB
"""How many bytes it may send at once."""
REQUESTS = 20.0
"""How many requests a second a member may make, everywhere."""
BURST_REQUESTS = 80.0
"""How many it may make at once."""
ITEM = 0.25
"""What an item that is not a message costs, and a record without items, in requests."""
ANSWER = 1 * KIB
"""How many bytes of answers cost as much as one request."""
UNFINISHED = 32 * MIB
"""How many bytes are kept of frames and messages whose end has not come, and of items that wait, of all members together."""
TURN = 1000
"""How much work a member may cause before it is another member's turn: one for a message, and as below."""
RECORD = 4
"""The work of a record, whatever is in it."""
PIECE = 64
"""Of a record of so many bytes the work grows by one."""
COMMAND = 50
"""The work of a command or of an item that is not a message."""


class Rates(NamedTuple):
    """What all members of a server may do: so many messages a second, 0 for any number, and so many at once."""

    messages: float
    burst: float


class Budget:
    """What is left to one member. Each is below zero where more was done than it may do."""

    __slots__ = ("messages", "octets", "requests", "since", "work")

    def __init__(self, rates: Rates, now: float) -> None:
        self.messages, self.requests, self.octets, self.work = rates.burst, BURST_REQUESTS, float(BURST_BYTES), float(TURN)
        self.since = now

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

    Beyond UNFINISHED the member is given up for which nothing has been finished for longest.
    """

    def __init__(self, give_up: Callable[[object], None]) -> None:
        self._give_up = give_up
        self._kept: dict[object, int] = {}
        self.total = 0

    def note(self, member: object, size: int) -> None:
        """So many bytes are kept for a member now."""
        if size:
            before = self._kept.get(member, 0)
            if size < before:  # something has been finished, so this is no longer the oldest
                del self._kept[member]
            self.total += size - before
            self._kept[member] = size
            while self.total > UNFINISHED and len(self._kept) > 1:
                oldest = next(iter(self._kept))
                self.note(oldest, 0)
                self._give_up(oldest)
        elif self._kept and member in self._kept:
            self.total -= self._kept.pop(member)


class Turns:
    """Members that have used up their work take turns: one in each turn of the event loop, and all others between."""

    def __init__(self, loop: "asyncio.AbstractEventLoop") -> None:
        self._loop = loop
        self._waiting: deque[Callable[[], None]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, go_on: Callable[[], None]) -> None:
        """Call `go_on` when its turn has come."""
        if not self._waiting:
            self._loop.call_soon(self._next)
        self._waiting.append(go_on)

    def _next(self) -> None:
        go_on = self._waiting.popleft()
        if self._waiting:
            self._loop.call_soon(self._next)
        go_on()
