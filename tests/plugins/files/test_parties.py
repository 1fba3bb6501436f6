"""What one member is sent: data never delays what was said, and what waits goes out in order."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from crowd import Crowd, Tight
from offering import FileStranger, file_offer, file_stranger, written

from plytalk.plugins.files.file_items import (
    MAX_CREDIT,
    PIECE,
    STREAMS,
    TOGETHER,
    WINDOW,
    FileKind,
    Offering,
    Taken,
    Withdrawal,
    carry,
    end_stream,
    open_stream,
    parse,
    prove,
    stop_stream,
)
from plytalk.plugins.files.file_words import FILE
from plytalk.plugins.files.parties import RECORD, Party, Taker, on_the_wire
from plytalk.plugins.rooms.member_chat import MemberChat
from plytalk.testing.verdict import idle


async def window_to_one_that_does_not_read(crowd: Crowd, file: Path) -> tuple[FileStranger, FileStranger]:
    """The receiver, which stops to read behind its request, and the sender, which has sent all that it was asked for."""
    bob, ann = await file_stranger(crowd, "bob"), await file_stranger(crowd, "ann")
    ann.offer(file_offer(file))
    await ann.server_says(Taken)
    bob.send(open_stream(1, (await bob.server_says(Offering)).number, 0, WINDOW))
    _, stream, _ = await ann.hears(FileKind.OPEN)
    bob.stranger.session.stop_reading()
    for _ in range(WINDOW // PIECE):
        ann.send(carry(stream, bytes(PIECE)))
    ann.send(end_stream(stream))
    return bob, ann


async def film_for_three(crowd: Crowd, home: Path) -> tuple[FileStranger, FileStranger, int]:
    """Bob, ann who offers a file of two windows to the room, in which a third member is, and the number of the offer."""
    bob, ann, _ = [await file_stranger(crowd, name) for name in ("bob", "ann", "eve")]
    ann.offer(file_offer(written(home / "film.mkv", 2 * WINDOW)))
    await ann.server_says(Taken)
    return bob, ann, (await bob.server_says(Offering)).number


async def test_lines_overtake_data_for_one_that_reads_slowly(home: Path) -> None:
    async with Crowd(home, headless=True, transport=Tight, host="127.0.0.1") as crowd:
        bob, ann = await window_to_one_that_does_not_read(crowd, written(home / "film.mkv", 2 * WINDOW))
        member = next(one for one in crowd.hub.members.values() if one.name == "bob")
        taker = crowd.hub.exchange.made._parties[member].takers[1]
        while len(taker.queue) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert member.stream.buffered < 3 * PIECE
        ann.stranger.session.say("before the rest")
        await ann.stranger.until(lambda: "ann: before the rest" in ann.stranger.texts)  # the server has it
        bob.stranger.session.read_on()
        await bob.stranger.until(lambda: "ann: before the rest" in bob.stranger.texts)
        assert len(bob.of(FileKind.DATA)) < WINDOW // PIECE
        await bob.hears(FileKind.END)
        assert b"".join(payload for _, _, payload in bob.of(FileKind.DATA)) == bytes(WINDOW)
        while 1 in crowd.hub.exchange.made._parties[member].takers:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_a_sender_that_leaves_takes_back_nothing_that_is_under_way(home: Path) -> None:
    """The server had all of it, and told a slow receiver first that it is not offered any more."""
    async with Crowd(home, headless=True, transport=Tight, host="127.0.0.1") as crowd:
        bob, ann = await window_to_one_that_does_not_read(crowd, written(home / "film.mkv", WINDOW))
        ann.stranger.session.exit()
        await ann.ended()
        for _ in range(5):
            await idle()
        bob.stranger.session.read_on()
        await bob.server_says(Withdrawal)
        assert b"".join(payload for _, _, payload in bob.of(FileKind.DATA)) == bytes(WINDOW)
        assert bob.of(FileKind.END)


async def test_one_that_stops_while_data_waits_is_sent_no_more_of_it(home: Path) -> None:
    """Also where its stream's number is opened again meanwhile: the new one stays."""
    async with Crowd(home, headless=True, transport=Tight, host="127.0.0.1") as crowd:
        bob, ann = await file_stranger(crowd, "bob"), await file_stranger(crowd, "ann")
        ann.offer(file_offer(written(home / "film.mkv", 2 * WINDOW)))
        await ann.server_says(Taken)
        number = (await bob.server_says(Offering)).number
        bob.send(open_stream(1, number, 0, WINDOW))
        _, stream, _ = await ann.hears(FileKind.OPEN)
        bob.stranger.session.stop_reading()
        for _ in range(WINDOW // PIECE):
            ann.send(carry(stream, bytes(PIECE)))
        member = next(one for one in crowd.hub.members.values() if one.name == "bob")
        party = crowd.hub.exchange.made._parties[member]
        taker = party.takers[1]
        while taker.feed.at < WINDOW:  # noqa: ASYNC110
            await asyncio.sleep(0)
        while len(taker.queue) > 1:
            taker.queue.pop()  # the last item is the next to be sent
        bob.send(stop_stream(1))
        bob.send(open_stream(1, number, PIECE, WINDOW))
        await ann.hears(FileKind.OPEN, 2)
        assert party.takers[1] is not taker
        bob.stranger.session.read_on()
        while party._sending:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert 1 in party.takers
        assert len(taker.queue) == 1


async def test_what_was_asked_for_is_not_charged(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob, ann, _ = [await file_stranger(crowd, name) for name in ("bob", "ann", "eve")]
        ann.offer(file_offer(written(home / "film.mkv", 2 * WINDOW)))
        await ann.server_says(Taken)
        bob.send(open_stream(1, (await bob.server_says(Offering)).number, 0, WINDOW))
        _, stream, _ = await ann.hears(FileKind.OPEN)
        budget = next(one for one in crowd.hub.members.values() if one.name == "ann").budget
        octets, requests = budget.octets, budget.requests
        ann.send(prove(stream, 0, bytes(32 * 6)))
        for _ in range(WINDOW // PIECE):
            ann.send(carry(stream, bytes(PIECE)))
        await bob.hears(FileKind.DATA, WINDOW // PIECE)
        assert budget.octets >= octets
        assert budget.requests >= requests
        assert budget.expected < 1000
        assert budget.awaited == 0


async def test_to_open_and_stop_a_stream_gives_nobody_anything_for_nothing(home: Path) -> None:
    """A sender and its accomplice could repeat this: bytes requested from the sender are charged to neither."""
    async with Crowd(home, headless=True) as crowd:
        bob, ann, number = await film_for_three(crowd, home)
        budgets = {one.name: one.budget for one in crowd.hub.members.values()}
        before = budgets["bob"].octets
        for times in (1, 2):
            bob.send(open_stream(times, number, 0, WINDOW))
            await ann.hears(FileKind.OPEN, times)
            bob.send(stop_stream(times))
            await ann.hears(FileKind.STOP, times)
            assert before - budgets["bob"].octets >= WINDOW
            budgets["bob"].octets = before  # as if time had passed


async def test_a_sender_that_ends_a_stream_is_charged_again(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob, ann, number = await film_for_three(crowd, home)
        budget = next(one for one in crowd.hub.members.values() if one.name == "ann").budget
        for times in (1, 2, 3):
            bob.send(open_stream(times, number, 0, WINDOW))
            _, stream, _ = await ann.hears(FileKind.OPEN, times)
            assert budget.expected >= WINDOW
            ann.send(end_stream(stream))
            await bob.hears(FileKind.END, times)
            assert (budget.expected, budget.awaited) == (0, 0)


async def test_a_member_that_does_not_read_makes_the_server_keep_little(home: Path) -> None:
    """In eight streams it could have had 8 MiB wait for it."""
    async with Crowd(home, headless=True, transport=Tight, host="127.0.0.1") as crowd:
        bob, ann = await file_stranger(crowd, "bob"), await file_stranger(crowd, "ann")
        file = file_offer(written(home / "film.mkv", 2 * WINDOW))
        for number in range(STREAMS):
            ann.offer(file, number)
        await bob.stranger.until(lambda: len(bob.said) == STREAMS)
        asked: dict[int, int] = {}
        ann.stranger.session.extend(FILE, lambda body: answer(ann, asked, body))
        for stream, said in enumerate(bob.said):
            bob.send(open_stream(stream, said.number, 0, MAX_CREDIT))
        member = next(one for one in crowd.hub.members.values() if one.name == "bob")
        await ann.hears(FileKind.OPEN, STREAMS)
        party = crowd.hub.exchange.made._parties[member]
        bob.stranger.session.stop_reading()
        for _ in range(50):
            await idle()
            assert sum(taker.held for taker in party.takers.values()) <= 2 << 20
        assert all(taker.held for taker in party.takers.values())
        bob.stranger.session.read_on()
        await bob.stranger.until(lambda: sum(len(item[2]) for item in bob.of(FileKind.DATA)) == STREAMS * 16 * PIECE)


def answer(ann: FileStranger, asked: dict[int, int], body: bytes) -> None:
    """Send all that is asked for, at once."""
    kind, stream, payload = parse(body)
    if kind in (FileKind.OPEN, FileKind.CREDIT):
        asked[stream] = asked.get(stream, 0) + int.from_bytes(payload[-4:], "big")
        while asked[stream] >= PIECE:
            asked[stream] -= PIECE
            ann.send(carry(stream, bytes(PIECE)))


def test_how_much_a_receiver_may_be_sent() -> None:
    party = Party(None)  # type: ignore[arg-type]
    one, other = Taker(party, 1, MAX_CREDIT), Taker(party, 2, MAX_CREDIT)
    party.takers = {1: one, 2: other}
    assert (one.outstanding, one.available, other.available) == (MAX_CREDIT, MAX_CREDIT, MAX_CREDIT)
    one.queue.append(bytes(12 * PIECE))
    assert one.outstanding == MAX_CREDIT + 12 * PIECE
    assert (one.available, other.available) == (6 * PIECE, 8 * PIECE)
    one.queue.append(bytes(99 * PIECE))
    assert (one.available, other.available) == (0, 2 * PIECE)  # never nothing


@pytest.mark.parametrize(("size", "count"), [(0, (0, 0)), (1, (86, 1)), (PIECE, (RECORD, 1)), (2 * PIECE - 1, (2 * RECORD, 2))])
def test_how_much_goes_over_the_wire(size: int, count: tuple[int, int]) -> None:
    assert on_the_wire(size) == count


async def test_data_goes_out_together_and_in_its_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends the stream comes in the same turn, and behind it."""
    async with Crowd(home, headless=True) as crowd:
        bob, ann = await file_stranger(crowd, "bob"), await file_stranger(crowd, "ann")
        ann.offer(file_offer(written(home / "film.mkv", 2 * WINDOW)))
        await ann.server_says(Taken)
        bob.send(open_stream(1, (await bob.server_says(Offering)).number, 0, WINDOW))
        _, stream, _ = await ann.hears(FileKind.OPEN)
        members = {one.name: one for one in crowd.hub.members.values()}
        pieces: list[int] = []
        send_packed = MemberChat.send_packed

        def noted(session: MemberChat, records: Sequence[bytes]) -> None:
            pieces.append(len(records))
            send_packed(session, records)

        monkeypatch.setattr(MemberChat, "send_packed", noted)
        for _ in range(10):
            crowd.hub.exchange.hear(members["ann"], carry(stream, bytes(PIECE)))
        crowd.hub.exchange.hear(members["ann"], end_stream(stream))
        await bob.hears(FileKind.END)
        assert [kind for kind, _, _ in bob.items if kind != FileKind.SAY] == [FileKind.DATA] * 10 + [FileKind.END]
        assert pieces == [TOGETHER // PIECE, 2]
