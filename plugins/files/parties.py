"""What the server sends one member about files, and what it waits for from it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from plytalk.core.contracts.items import Extension
from plytalk.plugins.files.file_items import GIVE_BACK, MAX_CREDIT, PIECE, TOGETHER
from plytalk.plugins.files.file_words import FILE
from plytalk.plugins.rooms.budget import SIGNAL

RECORD = PIECE + 26
"""How many bytes a full record has on the wire."""
CREDIT_RECORD = 82
"""How many bytes a record with credit has on the wire."""
ANSWERS = -(-MAX_CREDIT // GIVE_BACK)
"""How often a receiver gives credit, at most, for what it can have been sent."""
RESERVE = 2 * PIECE
"""How much of the senders a member may have under way in each of its streams, whatever there is of the others."""
POOL = 16 * PIECE
"""How much more in all of them together: what the server keeps for a member that does not read is 2 MiB at most."""


def on_the_wire(size: int) -> tuple[int, int]:
    """How many bytes it takes to send so many, in how many items: a short record is padded to four times its length at most."""
    full, rest = divmod(size, PIECE)
    return full * RECORD + min(RECORD, rest and CREDIT_RECORD + 4 * rest), full + bool(rest)


class Taker:
    """A receiver of a file: `queue` is what has yet to be sent to it, `credit` what it may be sent and was not asked for.

    `feed` is the sender's stream that it gets, None where that is over, and `offer` what that stream is of.
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
        """Note that the others have `waited` so long for it until now; returns for how long it holds them up, in seconds.

        That grows while they wait for it, and shrinks as quickly while they do not.
        """
        self._late = max(0.0, self._late - (now - waited - self._at)) + waited
        self._at = now
        return self._late

    @property
    def held(self) -> int:
        """How many bytes were asked of the sender and not sent on."""
        return (self.feed.granted if self.feed else 0) + sum(map(len, self.queue))

    @property
    def outstanding(self) -> int:
        """For how many bytes it has given credit that it was not sent yet."""
        return self.credit + self.held

    @property
    def available(self) -> int:
        """How many bytes may be asked for: what it gave credit for, in full pieces where its member's share is less."""
        share = self.to.share_of(self)
        return self.credit if self.credit <= share else share - share % PIECE


class ExchangeMember(Protocol):
    """A member, at the server."""

    name: str
    head: bytes
    marks: int
    muted: bool

    @property
    def room(self) -> Any: ...

    def charge(self, size: int) -> None: ...


class Party:
    """One member in the exchange: its offers by its own numbers, what it receives by stream, and the feeds asked of it."""

    def __init__(self, member: ExchangeMember) -> None:
        self.member = member
        self.offers: dict[int, Any] = {}
        self.takers: dict[int, Taker] = {}
        self.feeds: dict[int, Any] = {}

    def send(self, body: bytes) -> None:
        """Send an item."""
        raise NotImplementedError

    def send_record(self, taker: Taker, body: bytes, records: Sequence[bytes]) -> None:
        """Send data: `records` is what the item is packed into. What cannot go out now waits."""
        raise NotImplementedError

    def send_last(self, taker: Taker, body: bytes) -> None:
        """Send an item behind the data that waits."""
        if taker.queue:
            taker.queue.append(body)
        else:
            self.send(body)

    def send_behind(self, offer: Any, body: bytes) -> None:
        """Send an item about an offer, behind the data that still waits of a stream of it that is over."""
        over = (one for one in self.takers.values() if one.offer is offer and one.feed is None)
        if (taker := next(over, None)) is not None:
            self.send_last(taker, body)
        else:
            self.send(body)

    def share_of(self, taker: Taker) -> int:
        """How many bytes more may be under way in this stream. A stream whose sender sends nothing leaves the others theirs."""
        pool = POOL - sum(max(0, one.held - RESERVE) for one in self.takers.values())
        return max(0, RESERVE - taker.held) + max(0, pool)

    def expect(self, size: int) -> None:
        """Note how many bytes were requested: they do not count against the member's budget."""

    def expect_no_more(self) -> None:
        """Nothing more is to come than what its streams still owe, and what is late."""

    def is_late(self, feed: Any) -> None:
        """A stream was stopped while something was under way."""

    def came_late(self, size: int) -> None:
        """Note how many bytes of data have come for a stream that is over."""

    def pay(self, feed: Any) -> None:
        """This member has stopped it: what is under way was sent for nothing."""

    def pay_for_words(self) -> None:
        """It has said something about a file, which others may read: that counts as one request."""


class LocalParty(Party):
    """The server's user: `hear` takes what it is sent."""

    def __init__(self, member: ExchangeMember, hear: Callable[[bytes], None]) -> None:
        super().__init__(member)
        self._deliver = hear

    def send(self, body: bytes) -> None:
        self._deliver(body)

    def send_record(self, taker: Taker, body: bytes, records: Sequence[bytes]) -> None:
        self.send(body)


class MemberParty(Party):
    """A member with a connection. Lines come first: data waits while anything else waits to be sent."""

    def __init__(self, member: Any) -> None:
        super().__init__(member)
        self._member = member
        self._sending: asyncio.Task[None] | None = None
        self._late = 0
        self._records: list[bytes] = []  # they go out together, at the end of this turn of the loop
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
        """Whether data may go out: nothing that was said waits, and little else."""
        return not (self._member.stream.full or self._member.is_behind)

    def _count(self, taker: Taker, body: bytes) -> None:
        """A receiver may answer data with credit."""
        taker.answered += len(body)
        if taker.answered >= GIVE_BACK:
            taker.answered -= GIVE_BACK
            self._member.expect(CREDIT_RECORD, 1)

    async def _send_waiting(self) -> None:
        """Send what waits, for one receiver after the other."""
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
                        elif not taker.queue:  # that was its end
                            del self.takers[taker.stream]
        finally:
            self._sending = None

    async def _writable(self) -> None:
        while not self.is_writable and not self._member.session.ending:
            await self._member.stream.drained()
            await asyncio.sleep(0)  # what was said and waits goes out first
