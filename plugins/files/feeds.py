"""Feeds: streams from the sender of a file to the server, each read once for all receivers that keep pace.

    begun (for receivers that want the same byte) -> granted as many bytes as the slowest has credit for -> over

A receiver that holds up the others for SLOW seconds, or repeatedly for more than half of the time, continues with its own feed.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from plytalk.core.contracts.errors import BadFrame
from plytalk.core.contracts.items import Extension, Item
from plytalk.core.contracts.layer import Buffer
from plytalk.plugins.files.file_items import (
    ENDING,
    PIECE,
    WINDOW,
    FileFailure,
    Offering,
    carry,
    end_stream,
    fail_stream,
    give_credit,
    open_stream,
    prove,
    stop_stream,
)
from plytalk.plugins.files.file_limits import WHOLE_BLOCK
from plytalk.plugins.files.file_words import FILE
from plytalk.plugins.files.hash_tree import proof_length
from plytalk.plugins.files.manifest import FileOffer
from plytalk.plugins.files.parties import Party, Taker

SLOW = 0.5
"""The time for which one receiver may hold up the others, in seconds."""
TIMER_TOLERANCE = 0.01
"""The time by which a timer may fire too early, in seconds."""
GATHER = 0.1
"""The time that a feed waits for another receiver at the same byte, in seconds, if there can be one."""
GATHERED = 0.5
"""The time that a feed waits for all its receivers together, in seconds."""

PackItems = Callable[[Sequence[Item]], Iterable[bytes]]


@dataclass(eq=False)
class StandingOffer:
    """An open offer at the server. `number` is the server's number, `own` the sender's. `whom` names the member that it is for,
    None for all in the room; `audience` is that member if it is present. `numbers` yields the numbers of new feeds.
    """

    numbers: Iterator[int]
    number: int
    own: int
    source: Party
    said: Offering
    file: FileOffer
    room: Any
    whom: dict[str, Any] | None
    audience: Party | None
    feeds: "dict[Feed, None]" = field(default_factory=dict)
    replies: set[tuple[Party, str]] = field(default_factory=set)
    """The replies that its sender was told, each with the member."""

    def is_for(self, party: Party) -> bool:
        """Whether a member may receive it."""
        return party is not self.source and (self.whom is None or self.audience is party)


class Feed:
    """One stream from the sender. `at` is the next byte to come, `granted` the number of bytes asked for that have not come."""

    def __init__(self, offer: StandingOffer, at: int, pack: PackItems) -> None:
        self.number, self.offer, self.at, self._pack = next(offer.numbers), offer, at, pack
        self.granted = 0
        self.takers: dict[Taker, None] = {}
        self.begun = self.over = False
        self._gathers = True
        self._proven = at // WHOLE_BLOCK - 1
        self._expected = self._proven
        self._timer: asyncio.TimerHandle | None = None
        self._waited_for: list[Taker] = []
        self._since = 0.0
        self._loop = asyncio.get_running_loop()
        self._made = self._loop.time()
        offer.feeds[self] = None
        offer.source.feeds[self.number] = self

    def add(self, taker: Taker) -> None:
        """Add a receiver, which needs the byte `at` next."""
        self.takers[taker] = None
        taker.feed, taker.offer = self, self.offer

    def is_joined_at(self, at: int) -> bool:
        """Whether a receiver that needs this byte next can still join."""
        return self.at == at and self._gathers and all(taker.credit for taker in self.takers)

    def begin_soon(self, alone: bool) -> None:
        """Begin when no other receiver has joined for a while, or at once if there can be no other (`alone`)."""
        if self._gathers:
            self._stop_timer()
            now = self._loop.time()
            self._timer = self._loop.call_at(now if alone else min(now + GATHER, self._made + GATHERED), self.begin)

    def begin(self) -> None:
        """Ask the sender for the first bytes, once every receiver has credit."""
        self._timer, self._gathers = None, False
        self.grant()

    def go_on(self) -> None:
        """Continue when a receiver has more credit."""
        if not (self._gathers or self.granted):
            self.grant()

    def credit(self, taker: Taker, size: int) -> None:
        """Add credit from a receiver."""
        taker.credit += size
        if not self._gathers:
            self.grant()

    def grant(self) -> None:
        """Ask the sender for as many bytes as the slowest receiver can take."""
        if self.over or not self.takers:
            return
        sizes = [taker.available for taker in self.takers]
        size = min(sizes)
        if not size or size < PIECE <= max(sizes):  # a sender sends full pieces, so less credit holds up the others too
            if len(sizes) > 1 and max(sizes) >= WINDOW // 2:
                self._wait_for([taker for taker, available in zip(self.takers, sizes, strict=True) if available < PIECE])
            return
        self._stop_timer()
        if self._waited_for:
            self._wait_for([])
        self._gathers = False
        for taker in self.takers:
            taker.credit -= size
        self.granted += size
        source = self.offer.source
        source.expect(size)
        self._expect_proofs((self.at + self.granted - 1) // WHOLE_BLOCK)
        if self.begun:
            source.send(give_credit(self.number, size))
        else:
            self.begun = True
            source.send(open_stream(self.number, self.offer.own, self.at, size))

    def _wait_for(self, slow: list[Taker]) -> None:
        """Note that the others wait for these receivers from now on, and waited for `_waited_for` until now."""
        now = self._loop.time()
        for taker in self._waited_for:
            taker.late(now, now - self._since)
        self._waited_for, self._since = slow, now
        if slow and self._timer is None:
            self._timer = self._loop.call_later(SLOW - max(taker.late(now) for taker in slow), self._part_slow)

    def _expect_proofs(self, last: int) -> None:
        """Expect the proofs of the blocks up to this one."""
        if last > self._expected and not self.offer.file.once:
            self.offer.source.expect(self._proofs(self._expected, last))
            self._expected = last

    def _proofs(self, done: int, last: int) -> int:
        """Return the number of bytes of the proofs of the blocks after `done`, up to `last`."""
        return sum(proof_length(self.offer.file.most, block) for block in range(done + 1, last + 1))

    @property
    def owed(self) -> tuple[int, int]:
        """The bytes asked for that have not come: of data, and of proofs."""
        return self.granted, self._proofs(self._proven, self._expected)

    def _part_slow(self) -> None:
        """Give each receiver that holds up the others its own feed. It keeps the credit that was not used."""
        slow = [taker for taker in self.takers if taker.available < PIECE]
        self._wait_for(slow)
        self._timer = None
        if self.over or not slow or len(slow) == len(self.takers):
            return
        now = self._loop.time()
        for taker in [taker for taker in slow if taker.late(now) >= SLOW - TIMER_TOLERANCE]:
            del self.takers[taker]
            taker.feed, taker.credit = None, taker.credit + self.granted
            apart = Feed(self.offer, self.at, self._pack)
            apart.add(taker)
            apart.begin()
        self.grant()

    # -- what the sender sends --------------------------------------------------------------------------------------------

    def data(self, payload: Buffer) -> None:
        """Take the next bytes. Raises BadFrame if they were not asked for."""
        if not 0 < len(payload) <= self.granted:
            raise BadFrame(f"{len(payload):,} bytes of a file came where {self.granted:,} were asked for.")
        self.granted -= len(payload)
        self.at += len(payload)
        made: dict[int, tuple[bytes, Sequence[bytes]]] = {}
        for taker in tuple(self.takers):
            if taker.stream not in made:
                body = carry(taker.stream, payload)
                made[taker.stream] = body, tuple(self._pack([Extension(FILE, body)]))
            taker.to.send_record(taker, *made[taker.stream])
        if len(payload) < PIECE:
            self.offer.source.expect_no_more()
        if not self.granted:
            self.grant()

    def proof(self, block: int, payload: Buffer) -> None:
        """Take the hashes of the next block, once. Raises BadFrame."""
        longest = proof_length(self.offer.file.most, block)
        if not self._proven < block <= self._expected or block != self.at // WHOLE_BLOCK or len(payload) > longest:
            raise BadFrame("A proof came that is too long, not of the bytes that come next, or that has come before.")
        self._proven = block
        self.offer.source.expect_no_more()
        for taker in self.takers:
            taker.to.send_last(taker, prove(taker.stream, block, payload))

    def end(self, payload: Buffer) -> None:
        """Take the end of the stream. Raises BadFrame if its size and root are missing, or should not be there."""
        if len(payload) != (ENDING.size if self.offer.file.once else 0):
            raise BadFrame(f"The end of a file came with {len(payload)} bytes.")
        self._tell_last(lambda stream: end_stream(stream, payload))

    def fail(self, why: FileFailure) -> None:
        """End the feed: nothing more comes."""
        self._tell_last(lambda stream: fail_stream(stream, why))

    def _tell_last(self, said: Callable[[int], bytes]) -> None:
        for taker in tuple(self.takers):
            taker.to.send_last(taker, said(taker.stream))
            self.remove(taker, tell=False)
        self.close()
        self.offer.source.expect_no_more()

    # -- the end ----------------------------------------------------------------------------------------------------------

    def remove(self, taker: Taker, tell: bool = True) -> None:
        """Remove a receiver. What is queued for it is still sent."""
        self.takers.pop(taker, None)
        taker.feed = None
        if not taker.queue or tell:
            taker.to.takers.pop(taker.stream, None)
        if not self.takers and tell:
            taker.to.pay(self)
            self.offer.source.is_late(self)
            if self.begun and not self.over:
                self.offer.source.send(stop_stream(self.number))
            self.close()
        elif tell:
            self.grant()

    def close(self) -> None:
        """Stop asking the sender for bytes."""
        self.over = True
        self.offer.feeds.pop(self, None)
        self.offer.source.feeds.pop(self.number, None)
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
