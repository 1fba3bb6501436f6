"""One member in the exchange: what the server sends it about files, and expects from it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from plytalk.core.contracts.items import Extension
from plytalk.plugins.files.file_items import GIVE_BACK, MAX_CREDIT, PIECE, TOGETHER
from plytalk.plugins.files.file_words import FILE
from plytalk.plugins.rooms.budget import SIGNAL

RECORD = PIECE + 26
"""The bytes of a full record on the wire."""
CREDIT_RECORD = 82
"""The bytes of a record with credit on the wire."""
ANSWERS = -(-MAX_CREDIT // GIVE_BACK)
"""The largest number of times that a receiver gives credit for what it can have been sent."""
RESERVE = 2 * PIECE
"""The bytes that may be in flight to a member in each of its streams, whatever its other streams use."""
POOL = 16 * PIECE
"""The bytes beyond that, in all its streams together. The server keeps at most 2 MiB for a member that does not read."""


def on_the_wire(size: int) -> tuple[int, int]:
    """Return the bytes on the wire for this many bytes of data, and the items. A short record is padded to at most four times
    its length.
    """
    full, rest = divmod(size, PIECE)
    return full * RECORD + min(RECORD, rest and CREDIT_RECORD + 4 * rest), full + bool(rest)


class Taker:
    """A receiver of a file. `queue` holds what has not been sent to it; `credit` is the credit for which no bytes were asked yet.

    `feed` is the sender's stream that it gets, None when that has ended; `offer` is the offer of that stream.
    """

    __slots__ = ("_at", "_late", "answered", "credit", "feed", "offer", "queue", "stream", "to")

    def __init__(self, to: "Party", stream: int, credit: int) -> None:
        self.to, self.stream, self.credit = to, stream, credit
        self.queue: deque[bytes] = deque()
        self.feed: Any = None
        self.offer: Any = None
        self.answered = 0
        self._late = self._at = 0.0

    def late(self, now: float, waited: float = 0.0) -> float:
        """Note for how long the others have `waited` for it until now. Return for how long it holds them up. Both in seconds.

        The result grows while they wait for it, and shrinks as quickly while they do not.
        """
        self._late = max(0.0, self._late - (now - waited - self._at)) + waited
        self._at = now
        return self._late

    @property
    def held(self) -> int:
        """The bytes that were asked of the sender and not sent on."""
        return (self.feed.granted if self.feed else 0) + sum(map(len, self.queue))

    @property
    def outstanding(self) -> int:
        """The bytes of credit for which it was not sent anything yet."""
        return self.credit + self.held

    @property
    def available(self) -> int:
        """The bytes that may be asked for: its credit, or full pieces of its member's share if that is less."""
        share = self.to.share_of(self)
        return self.credit if self.credit <= share else share - share % PIECE


class ExchangeMember(Protocol):
    """What the exchange needs from a member."""

    name: str
    head: bytes
    marks: int
    muted: bool

    @property
    def room(self) -> Any: ...

    def charge(self, size: int) -> None: ...


class Party:
    """One member in the exchange: its offers by its own numbers, what it receives by stream, and the feeds that it sends."""

    def __init__(self, member: ExchangeMember) -> None:
        self.member = member
        self.offers: dict[int, Any] = {}
        self.takers: dict[int, Taker] = {}
        self.feeds: dict[int, Any] = {}

    def send(self, body: bytes) -> None:
        """Send an item."""
        raise NotImplementedError

    def send_record(self, taker: Taker, body: bytes, records: Sequence[bytes]) -> None:
        """Send data; `records` are the records of the item. What cannot be sent now is queued."""
        raise NotImplementedError

    def send_last(self, taker: Taker, body: bytes) -> None:
        """Send an item after the queued data."""
        if taker.queue:
            taker.queue.append(body)
        else:
            self.send(body)

    def send_behind(self, offer: Any, body: bytes) -> None:
        """Send an item about an offer, after the data still queued from an ended stream of it."""
        over = (one for one in self.takers.values() if one.offer is offer and one.feed is None)
        if (taker := next(over, None)) is not None:
            self.send_last(taker, body)
        else:
            self.send(body)

    def share_of(self, taker: Taker) -> int:
        """Return how many more bytes may be in flight in this stream. One whose sender is silent takes nothing from others."""
        pool = POOL - sum(max(0, one.held - RESERVE) for one in self.takers.values())
        return max(0, RESERVE - taker.held) + max(0, pool)

    def expect(self, size: int) -> None:
        """Note that this many bytes were requested. They are not charged to the member's budget."""

    def expect_no_more(self) -> None:
        """Expect only what its streams still owe, and what is late."""

    def is_late(self, feed: Any) -> None:
        """Note that a feed was stopped while bytes were in flight."""

    def came_late(self, size: int) -> None:
        """Note that this many bytes of data came for a stream that has ended."""

    def pay(self, feed: Any) -> None:
        """Charge this member, which has stopped a feed, for the bytes in flight."""

    def pay_for_words(self) -> None:
        """Charge one request for a SAY item, which others may read."""


class LocalParty(Party):
    """The server's user. `hear` takes what is sent to it."""

    def __init__(self, member: ExchangeMember, hear: Callable[[bytes], None]) -> None:
        super().__init__(member)
        self._deliver = hear

    def send(self, body: bytes) -> None:
        self._deliver(body)

    def send_record(self, taker: Taker, body: bytes, records: Sequence[bytes]) -> None:
        self.send(body)


class MemberParty(Party):
    """A member with a connection. Lines have priority: data waits while anything else waits to be sent."""

    def __init__(self, member: Any) -> None:
        super().__init__(member)
        self._member = member
        self._sending: asyncio.Task[None] | None = None
        self._late = 0
        self._records: list[bytes] = []  # sent together at the end of this turn of the loop
        self._flush_follows = False

    def send(self, body: bytes) -> None:
        self._flush()
        self._member.session.send_item(Extension(FILE, body))

    def expect(self, size: int) -> None:
        self._member.expect(*on_the_wire(size))

    def expect_no_more(self) -> None:
        owed = [(self._late, -(-self._late // RECORD)), (CREDIT_RECORD * ANSWERS * len(self.takers), ANSWERS * len(self.takers))]
        owed += [on_the_wire(size) for feed in self.feeds.values() for size in feed.owed]
        self._member.expect_at_most(*map(sum, zip(*owed, strict=True)))

    def is_late(self, feed: Any) -> None:
        self._late += sum(on_the_wire(size)[0] for size in feed.owed)

    def came_late(self, size: int) -> None:
        self._late = max(0, self._late - on_the_wire(size)[0])

    def pay_for_words(self) -> None:
        self._member.budget.requests -= SIGNAL

    def pay(self, feed: Any) -> None:
        self._member.budget.octets -= sum(on_the_wire(size)[0] for size in feed.owed)

    def send_record(self, taker: Taker, body: bytes, records: Sequence[bytes]) -> None:
        if taker.queue or not self.is_writable:
            taker.queue.append(body)
            if self._sending is None:
                self._sending = asyncio.get_running_loop().create_task(self._send_waiting())
            return
        self._count(taker, body)
        self._records += records
        if len(self._records) * PIECE >= TOGETHER:
            self._flush()
        elif not self._flush_follows:
            self._flush_follows = True
            asyncio.get_running_loop().call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._flush_follows = False
        self._flush()

    def _flush(self) -> None:
        if self._records:
            records, self._records = self._records, []
            self._member.session.send_packed(records)

    @property
    def is_writable(self) -> bool:
        """Whether data may be sent: no lines wait, and little else does."""
        return not (self._member.stream.full or self._member.is_behind)

    def _count(self, taker: Taker, body: bytes) -> None:
        """Expect credit from a receiver that was sent data."""
        taker.answered += len(body)
        if taker.answered >= GIVE_BACK:
            taker.answered -= GIVE_BACK
            self._member.expect(CREDIT_RECORD, 1)

    async def _send_waiting(self) -> None:
        """Send the queued data, one receiver after another."""
        session = self._member.session
        try:
            while not session.ending and any(taker.queue for taker in self.takers.values()):
                for taker in tuple(self.takers.values()):
                    if taker.queue:
                        await self._writable()
                        if session.ending or not taker.queue or self.takers.get(taker.stream) is not taker:
                            continue
                        body = taker.queue.popleft()
                        self._flush()
                        self._count(taker, body)
                        session.send_item(Extension(FILE, body))
                        session.connection.flush()
                        if taker.feed:
                            taker.feed.go_on()
                        elif not taker.queue:  # the last item was its end
                            del self.takers[taker.stream]
        finally:
            self._sending = None

    async def _writable(self) -> None:
        while not self.is_writable and not self._member.session.ending:
            await self._member.stream.drained()
            await asyncio.sleep(0)  # lines that wait are sent first
