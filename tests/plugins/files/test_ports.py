"""What one member is sent: data never delays what was said, and what waits goes out in order."""

import asyncio
from pathlib import Path

from crowd import Crowd, Tight
from offering import file_offer, file_stranger, written

from plytalk.plugins.files.file_items import PIECE, WINDOW, FileKind, Offering, Taken, carry, end_stream, open_stream, stop_stream
from plytalk.plugins.files.ports import Port, Taker
from plytalk.testing.verdict import idle


async def test_lines_overtake_data_for_one_that_reads_slowly(home: Path) -> None:
    async with Crowd(home, headless=True, transport=Tight, host="127.0.0.1") as crowd:
        bob, ann = await file_stranger(crowd, "bob"), await file_stranger(crowd, "ann")
        ann.offer(file_offer(written(home / "film.mkv", 2 * WINDOW)))
        await ann.server_says(Taken)
        bob.send(open_stream(1, (await bob.server_says(Offering)).number, 0, WINDOW))
        _, stream, _ = await ann.hears(FileKind.OPEN)
        bob.stranger.session.stop_reading()
        for _ in range(12):
            ann.send(carry(stream, bytes(PIECE)))
        ann.send(end_stream(stream))
        member = next(one for one in crowd.hub.members.values() if one.name == "bob")
        taker = crowd.hub.exchange.made._ports[member].takers[1]
        while not taker.queue:  # noqa: ASYNC110
            await asyncio.sleep(0)
        for _ in range(5):
            await idle()
        waiting = len(taker.queue)
        assert waiting > 1
        assert member.stream.buffered < 3 * PIECE
        ann.stranger.session.say("before the rest")
        await idle()
        bob.stranger.session.read_on()
        await bob.stranger.until(lambda: "ann: before the rest" in bob.stranger.texts)
        assert len(bob.of(FileKind.DATA)) < 12
        await bob.hears(FileKind.END)
        assert b"".join(payload for _, _, payload in bob.of(FileKind.DATA)) == bytes(12 * PIECE)
        while 1 in crowd.hub.exchange.made._ports[member].takers:  # noqa: ASYNC110
            await asyncio.sleep(0)


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
        for _ in range(12):
            ann.send(carry(stream, bytes(PIECE)))
        member = next(one for one in crowd.hub.members.values() if one.name == "bob")
        port = crowd.hub.exchange.made._ports[member]
        taker = port.takers[1]
        while taker.feed.at < 12 * PIECE:  # noqa: ASYNC110
            await asyncio.sleep(0)
        while len(taker.queue) > 1:
            taker.queue.pop()  # the one that is about to go out is the last
        bob.send(stop_stream(1))
        bob.send(open_stream(1, number, PIECE, WINDOW))
        await ann.hears(FileKind.OPEN, 2)
        assert port.takers[1] is not taker
        bob.stranger.session.read_on()
        while port._sending:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert 1 in port.takers
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
        for _ in range(12):
            ann.send(carry(stream, bytes(PIECE)))
        await bob.hears(FileKind.DATA, 12)
        assert budget.octets >= octets
        assert budget.requests >= requests
        assert budget.expected < 1000
        assert budget.awaited == 0


def test_how_much_a_receiver_may_be_sent() -> None:
    taker = Taker(Port(None), 1, 100)  # type: ignore[arg-type]
    taker.queue.append(bytes(20))
    assert taker.outstanding == 120
