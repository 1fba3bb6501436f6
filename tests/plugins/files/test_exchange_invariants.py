"""What must hold at the server after random offers, streams, credit, data, pauses and cuts of honest and hostile members.

After each step: what is kept for a member is bounded, nobody may send more for nothing than others have asked for, and the
offers, streams and receivers that the server knows are those of members that are there.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from crowd import Crowd, Tight
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from offering import file_stranger
from state_machines import FileMachine, stateful

from plytalk.plugins.files.file_items import (
    GIVE_BACK,
    MAX_CREDIT,
    OFFERS,
    PIECE,
    STREAMS,
    WINDOW,
    FileFailure,
    FileKind,
    FileReply,
    Offering,
    Withdrawal,
    carry,
    end_stream,
    fail_stream,
    give_credit,
    open_stream,
    parse,
    parse_number,
    parse_opening,
    prove,
    say,
    stop_stream,
    understand,
)
from plytalk.plugins.files.file_limits import WHOLE_BLOCK
from plytalk.plugins.files.file_words import FILE
from plytalk.plugins.files.hash_tree import proof_length
from plytalk.plugins.files.manifest import FileOffer
from plytalk.plugins.files.parties import CREDIT_RECORD, POOL, RESERVE, MemberParty, on_the_wire
from plytalk.testing.verdict import idle

NAMES = st.sampled_from(["ann", "bob", "cyd"])
SIZES = (0, 10, PIECE, 3 * WINDOW, WHOLE_BLOCK + 5)
PLACES = st.sampled_from([0, 0, 0, 10, WHOLE_BLOCK - WINDOW, WHOLE_BLOCK + 5, 2**40])
CREDITS = st.sampled_from([0, 1, PIECE - 1, PIECE, WINDOW, WINDOW, MAX_CREDIT])
LONGEST_PROOF = proof_length(WHOLE_BLOCK + 5, 0)


@dataclass
class SendingStream:
    """A stream of a sender: the next byte, how many may go out, and the last block whose proof has."""

    at: int
    size: int
    proven: int = -1

    def carry(self, stream: int, most: int) -> Iterator[bytes]:
        """Send some of what was asked for."""
        size = min(most, self.size, WHOLE_BLOCK - self.at % WHOLE_BLOCK)
        if size and self.at // WHOLE_BLOCK != self.proven:
            self.proven = self.at // WHOLE_BLOCK
            yield prove(stream, self.proven, b"")
        for start in range(0, size, PIECE):
            yield carry(stream, bytes(min(PIECE, size - start)))
        self.at, self.size = self.at + size, self.size - size


class Peer:
    """A member: what it was told of, and what it was asked for."""

    def __init__(self, stranger: Any) -> None:
        self.session = stranger.stranger.session
        self.send = stranger.send
        self.heard: list[int] = []
        self.streams: dict[int, SendingStream] = {}
        self.session.extend(FILE, self._hear)

    def _hear(self, body: bytes) -> None:
        kind, stream, payload = parse(body)
        if kind == FileKind.OPEN:
            _, at, size = parse_opening(payload)
            self.streams[stream] = SendingStream(at, size)
        elif kind == FileKind.CREDIT and stream in self.streams:
            self.streams[stream].size += parse_number(payload)
        elif kind == FileKind.STOP:
            self.streams.pop(stream, None)
        elif kind == FileKind.SAY and isinstance(said := understand(payload), Offering):
            self.heard.append(said.number)


class Files(FileMachine):
    def __init__(self) -> None:
        super().__init__()
        self.patch.setattr(MemberParty, "pay", self._noted(MemberParty.pay))
        self.patch.setattr("plytalk.plugins.files.feeds.SLOW", 0.0)
        self.peers: dict[str, Peer] = {}
        self.paid = self.carried = 0

    def _noted(self, pay: Callable[[MemberParty, Any], None]) -> Any:
        def noted(party: MemberParty, feed: Any) -> None:
            self.paid += sum(on_the_wire(size)[0] for size in feed.owed)
            pay(party, feed)

        return noted

    def run(self, work: Any) -> None:
        async def settled() -> None:
            await work
            for _ in range(3):
                await idle()

        self.loop.run_until_complete(settled())

    @initialize()
    def begin(self) -> None:
        self.run(self._begin())

    async def _begin(self) -> None:
        self.crowd = await Crowd(self.home, headless=True, rate=0, transport=Tight, host="127.0.0.1").__aenter__()
        for name in ("ann", "bob", "cyd"):
            self.peers[name] = Peer(await file_stranger(self.crowd, name))
        for number in range(STREAMS):
            self.peers["ann"].send(offered(number, WHOLE_BLOCK + 5))

    def teardown(self) -> None:
        if self.peers:
            self.run(self.crowd.__aexit__())
        self.loop.close()
        self.ends.close()

    def send(self, name: str, bodies: Iterable[bytes]) -> None:
        async def out() -> None:
            for body in bodies:
                self.peers[name].send(body)

        self.run(out())

    def party(self, name: str) -> Any:
        """What the server knows of a member, None for nothing."""
        return next((party for party in self.parties if party.member.name == name), None)

    # -- what happens -----------------------------------------------------------------------------------------------------

    @rule(name=NAMES, first=st.integers(0, STREAMS), count=st.integers(1, STREAMS), at=PLACES, credit=CREDITS)
    def open(self, name: str, first: int, count: int, at: int, credit: int) -> None:
        """Ask for some of what is offered, each in the stream of its number."""
        for number in self.peers[name].heard[first:][:count]:
            self.send(name, [stop_stream(number), open_stream(number, number, at, credit)])

    @rule(name=NAMES, credit=CREDITS)
    def give(self, name: str, credit: int) -> None:
        """Give credit in all streams, but not too much."""
        if party := self.party(name):
            self.send(
                name,
                [give_credit(one.stream, max(0, min(credit, MAX_CREDIT - one.outstanding))) for one in party.takers.values()],
            )

    @rule(name=NAMES, which=st.integers(0, STREAMS), times=st.integers(1, 2))
    def stop(self, name: str, which: int, times: int) -> None:
        if party := self.party(name):
            self.send(name, [stop_stream(stream) for stream in [*party.takers][which:][:1]] * times)

    @rule(most=st.sampled_from([1, PIECE, WINDOW, WINDOW]))
    def carry(self, most: int) -> None:
        """Each member sends what it was asked for."""
        for name, peer in self.peers.items():
            bodies = [body for stream, owing in peer.streams.items() for body in owing.carry(stream, most)]
            self.carried += sum(map(len, bodies))
            self.send(name, bodies)

    @rule(name=NAMES, why=st.sampled_from([None, *FileFailure]))
    def end(self, name: str, why: FileFailure | None) -> None:
        if streams := self.peers[name].streams:
            stream, _ = streams.popitem()
            self.send(name, [end_stream(stream) if why is None else fail_stream(stream, why)])

    @rule(name=NAMES, on=st.booleans())
    def read(self, name: str, on: bool) -> None:
        async def change() -> None:
            session = self.peers[name].session
            session.read_on() if on else session.stop_reading()

        self.run(change())

    @rule(name=NAMES, does=st.sampled_from(["offer", "withdraw", "reply", "attack", "come again"]), data=st.data())
    def other(self, name: str, does: str, data: st.DataObject) -> None:
        def chosen(*values: Any) -> Any:
            return data.draw(st.sampled_from(values))

        if does == "come again":
            self.run(self._come_again(name))
        elif does == "offer":
            self.send(name, [offered(chosen(*range(OFFERS + 1)), chosen(*SIZES), chosen(None, "ann", "bob"))])
        elif does == "withdraw":
            self.send(name, [say(Withdrawal(number=chosen(*range(OFFERS + 1))))])
        elif does == "reply":
            number = chosen(*self.peers[name].heard, 1)
            self.send(name, [say(FileReply(number=number, state=chosen("accepted", "done", "what")))])
        elif party := self.party(name):
            size = chosen(PIECE, WINDOW, 2**32 - 1)
            self.send(name, [give_credit(one, size) for one in party.takers] + [prove(one, 0, b"") for one in party.feeds])

    async def _come_again(self, name: str) -> None:
        self.peers[name].session.stream.close()
        while [one for one in self.crowd.hub.members.values() if one.name == name]:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        self.peers[name] = Peer(await file_stranger(self.crowd, name))

    # -- what must hold ---------------------------------------------------------------------------------------------------

    @property
    def members(self) -> list[Any]:
        return [*self.crowd.hub.members.values()] if self.peers else []

    @property
    def parties(self) -> list[Any]:
        return [*self.crowd.hub.exchange.made._parties.values()] if self.peers else []

    @invariant()
    def little_is_kept_for_each_member(self) -> None:
        for party in self.parties:
            takers = party.takers.values()
            proofs = sum(len(body) for taker in takers for body in taker.queue if body[0] == FileKind.PROOF)
            assert len(takers) <= STREAMS
            assert sum(taker.held for taker in takers) - proofs <= STREAMS * RESERVE + POOL <= 2 << 20
            assert all(taker.credit >= 0 and taker.outstanding <= MAX_CREDIT + LONGEST_PROOF for taker in takers)

    @invariant()
    def what_is_not_charged_was_asked_for_or_is_paid_for(self) -> None:
        owed = [on_the_wire(size)[0] for party in self.parties for feed in party.feeds.values() for size in feed.owed]
        answers = CREDIT_RECORD * (self.carried // GIVE_BACK + len(self.parties) * STREAMS)
        assert sum(member.budget.expected for member in self.members) <= sum(owed) + self.paid + answers

    @invariant()
    def what_the_server_knows_is_of_members_that_are_there(self) -> None:
        present = {*self.members}
        assert {party.member for party in self.parties} <= present
        for party in self.parties:
            assert len(party.offers) <= OFFERS
            for offer in party.offers.values():
                assert self.crowd.hub.exchange.made._offers[offer.number] is offer
                assert {other.member for other, _ in offer.replies} <= present
            for number, feed in party.feeds.items():
                assert (feed.number, feed.over, feed.offer.source) == (number, False, party)
                assert feed.takers
                assert feed in feed.offer.feeds
            for taker in party.takers.values():
                assert taker.queue if taker.feed is None else taker in taker.feed.takers


def offered(number: int, size: int, to: str | None = None) -> bytes:
    file = FileOffer(name="x", size=size, root=bytes(32), hash="blake2b")
    return say(Offering(number=number, id="x", file=msgspec.to_builtins(file), to=to))


TestFiles = Files.TestCase
TestFiles.settings = stateful(15, 40)
