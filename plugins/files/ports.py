"""What the server sends one member about files, and what it waits for from it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from plytalk.core.contracts.items import Extension
from plytalk.plugins.files.file_items import GIVE_BACK, PIECE
from plytalk.plugins.files.file_words import FILE

RECORD = PIECE + 26
"""How many bytes a full record has on the wire."""
CREDIT_RECORD = 82
"""How many bytes a record with credit has on the wire."""


class Taker:
    """A receiver of a file: `queue` is what has yet to be sent to it, `credit` what it may be sent and was not asked for.

    `feed` is the sender's stream that it gets, None where that is over.
    """

    __slots__ = ("answered", "credit", "feed", "queue", "stream", "to")

    def __init__(self, to: "Port", stream: int, credit: int) -> None:
        self.to, self.stream, self.credit = to, stream, credit
        self.queue: deque[bytes] = deque()
        self.feed: Any = None
        self.answered = 0

    @property
    def outstanding(self) -> int:
        """For how many bytes it has given credit that it was not sent yet."""
        return self.credit + (self.feed.granted if self.feed else 0) + sum(map(len, self.queue))


class PortMember(Protocol):
    """A member, at the server."""

    name: str
    head: bytes
    marks: int
    muted: bool

    @property
    def room(self) -> Any: ...

    def charge(self, size: int) -> None: ...


class Port:
    """One member's part in the exchange: its offers by its own numbers, its receivings by stream, and the feeds asked of it."""

    def __init__(self, member: PortMember) -> None:
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

    def expect(self, size: int) -> None:
        """So many bytes of data were asked for: they do not count as the member's own doing."""


class LocalPort(Port):
    """That of the server's user: `hear` takes what it is sent."""

    def __init__(self, member: PortMember, hear: Callable[[bytes], None]) -> None:
        super().__init__(member)
        self._deliver = hear

    def send(self, body: bytes) -> None:
        self._deliver(body)

    def send_record(self, taker: Taker, body: bytes, records: Sequence[bytes]) -> None:
        self.send(body)


class MemberPort(Port):
    """That of a member with a connection. Lines come first: data waits while anything else waits to be sent."""

    def __init__(self, member: Any) -> None:
        super().__init__(member)
        self._member = member
        self._sending: asyncio.Task[None] | None = None

    def send(self, body: bytes) -> None:
        self._member.session.send_item(Extension(FILE, body))

    def expect(self, size: int) -> None:
        count = -(-size // PIECE)
        self._member.expect(count * RECORD, count)

    def send_record(self, taker: Taker, body: bytes, records: Sequence[bytes]) -> None:
        if taker.queue or not self.is_writable:
            taker.queue.append(body)
            if self._sending is None:
                self._sending = asyncio.get_running_loop().create_task(self._send_waiting())
            return
        self._count(taker, body)
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
                        self._count(taker, body)
                        session.send_item(Extension(FILE, body))
                        session.connection.flush()
                        if not taker.queue and taker.feed is None:  # that was its end
                            del self.takers[taker.stream]
        finally:
            self._sending = None

    async def _writable(self) -> None:
        while not self.is_writable and not self._member.session.ending:
            await self._member.stream.drained()
            await asyncio.sleep(0)  # what was said and waits goes out first
