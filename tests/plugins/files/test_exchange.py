"""The exchange at the server: who is told of what, and what a hostile member cannot do."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from crowd import Crowd
from offering import FileStranger, file_offer, file_stranger, folder_of, reaches, written

from plytalk.core.contracts.events import File
from plytalk.core.contracts.items import Extension
from plytalk.plugins.files.file_items import (
    MAX_CREDIT,
    OFFERS,
    OPENING,
    PIECE,
    STREAMS,
    WINDOW,
    FileFailure,
    FileKind,
    FileReply,
    Offering,
    Refusal,
    Taken,
    Withdrawal,
    carry,
    end_stream,
    fail_stream,
    give_credit,
    open_stream,
    prove,
    say,
    stop_stream,
)
from plytalk.plugins.files.file_words import FILE
from plytalk.plugins.rooms.budget import BURST_REQUESTS
from plytalk.testing.verdict import idle
from plytalk.trust.identity import load_or_create

SIZE = 1_000_000


async def offering(crowd: Crowd, home: Path, name: str = "ann") -> FileStranger:
    """A member that offers a file and does what a test says."""
    ann = await file_stranger(crowd, name)
    ann.offer(file_offer(written(home / "film.mkv", SIZE)))
    await ann.server_says(Taken)
    return ann


async def test_everybody_in_the_room_is_told_and_those_that_come_later(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob, elsewhere = await file_stranger(crowd, "bob"), await file_stranger(crowd, "eve", room="kitchen")
        ann = await offering(crowd, home)
        assert (await ann.server_says(Taken)).members == 1
        told = await bob.server_says(Offering)
        assert told.file["name"] == "film.mkv"
        assert told.sender["name"] == "ann"
        assert told.sender["key"] == crowd.key("ann").fingerprint
        late = await file_stranger(crowd, "late")
        assert (await late.server_says(Offering)).number == told.number
        assert not elsewhere.said


async def test_an_offer_to_one_member_is_told_to_nobody_else(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        ann, bob, eve = [await file_stranger(crowd, name) for name in ("ann", "bob", "eve")]
        ann.offer(file_offer(written(home / "film.mkv", SIZE)), to="bob")
        number = (await bob.server_says(Offering)).number
        eve.send(open_stream(1, number, 0, WINDOW))
        kind, stream, why = await eve.hears(FileKind.FAIL)
        assert (kind, stream, why[0]) == (FileKind.FAIL, 1, FileFailure.UNKNOWN)
        assert not eve.said
        late = await file_stranger(crowd, "late")
        await idle()
        assert not late.said


@pytest.mark.parametrize("whose", ["the server", "ann"])
async def test_a_key_says_whom_it_is_for_whatever_the_name(home: Path, whose: str) -> None:
    """The server's user has the server's key."""
    async with Crowd(home) as crowd:
        ann, eve, bob = [await file_stranger(crowd, name) for name in ("ann", "eve", "bob")]
        key = crowd.key("ann") if whose == "ann" else load_or_create(home / "server" / "identity")[0].public
        bob.offer(file_offer(written(home / "film.mkv", SIZE)), to="eve", key=key.fingerprint)
        assert (await bob.server_says(Taken)).members == 1
        await idle()
        assert not eve.said
        assert len(ann.said) == (whose == "ann")
        assert len([event for event in crowd.ui.events if isinstance(event, File)]) == (whose != "ann")


@pytest.mark.parametrize(
    ("to", "answer"), [("nobody", "nobody"), ("ann", "You cannot offer a file to yourself."), ("far", "far is not in this room")]
)
async def test_what_cannot_be_offered_is_refused(home: Path, to: str, answer: str) -> None:
    async with Crowd(home, headless=True) as crowd:
        ann = await file_stranger(crowd, "ann")
        await crowd.joins("far", room="kitchen")
        ann.offer(file_offer(written(home / "film.mkv", SIZE)), to=to)
        assert answer in (await ann.server_says(Refusal)).text


async def test_who_is_muted_offers_nothing(home: Path) -> None:
    async with Crowd(home) as crowd:
        ann, bob = await file_stranger(crowd, "ann"), await file_stranger(crowd, "bob")
        crowd.local_member.say("/mute ann")
        await crowd.ui.shows("muted [ann]")
        ann.offer(file_offer(written(home / "film.mkv", SIZE)))
        assert "muted" in (await ann.server_says(Refusal)).text
        assert not bob.said


async def test_a_member_has_so_many_offers_at_most(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        ann = await file_stranger(crowd, "ann")
        file = file_offer(written(home / "film.mkv", SIZE))
        for number in range(OFFERS + 1):
            ann.offer(file, number)
        assert (await ann.server_says(Refusal)).number == OFFERS
        ann.send(say(Withdrawal(number=0)))
        ann.offer(file, 99)
        await ann.stranger.until(lambda: any(isinstance(one, Taken) and one.number == 99 for one in ann.said))


async def test_an_offer_and_its_withdrawal_cost_two_requests(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They cost half of one, so the screens of all others could be filled four times as fast as by any command."""
    monkeypatch.setattr("plytalk.plugins.rooms.budget.REQUESTS", 1e-9)
    async with Crowd(home, headless=True) as crowd:
        ann, bob = await file_stranger(crowd, "ann"), await file_stranger(crowd, "bob")
        file = file_offer(written(home / "film.mkv", SIZE))
        for number in range(100):
            ann.offer(file, number, id=f"{number}")
            ann.send(say(Withdrawal(number=number)))
        await bob.stranger.until(lambda: len(bob.said) > BURST_REQUESTS // 2, "Nothing is told")
        await idle()
        assert len(bob.said) <= BURST_REQUESTS + 2


async def test_a_room_has_so_many_offers_at_most(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every newcomer is sent all open offers, before anything else."""
    monkeypatch.setattr("plytalk.plugins.files.exchange.ROOM_OFFERS", 3)
    async with Crowd(home, headless=True) as crowd:
        ann, eve = await file_stranger(crowd, "ann"), await file_stranger(crowd, "eve")
        elsewhere = await file_stranger(crowd, "far", room="kitchen")
        file = file_offer(written(home / "film.mkv", SIZE))
        for number in range(2):
            ann.offer(file, number)
        await ann.stranger.until(lambda: len([one for one in ann.said if isinstance(one, Taken)]) == 2)
        for number in range(2):
            eve.offer(file, number)
        refusal = await eve.server_says(Refusal)
        assert (refusal.number, "open offers" in refusal.text) == (1, True)
        elsewhere.offer(file)
        assert (await elsewhere.server_says(Taken)).members == 0


async def test_guests_are_told_that_they_cannot_receive(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        guest = await crowd.stranger("guest")
        guest.session.say("hello")
        heard: list[str] = []
        guest.session._ui = None
        guest.session._hearer = type("Ear", (), {"raw": True, "message": heard.append, "notice": heard.append})()  # type: ignore[assignment]
        await idle()
        ann = await offering(crowd, home)
        await guest.until(lambda: any("Your program cannot receive files." in line for line in heard) or guest._news.clear())
        assert (await ann.server_says(Taken)).members == 0
        heard.clear()
        (name,) = (one.name for one in crowd.hub.members.values() if one.name != "ann")
        ann.offer(file_offer(home / "film.mkv"), number=2, to=name)
        assert (await ann.server_says(Refusal)).text == f"The program of {name} cannot receive files."
        await guest.until(lambda: any("Your program cannot receive files." in line for line in heard) or guest._news.clear())


async def test_receivers_at_one_byte_share_a_stream(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob, eve = await file_stranger(crowd, "bob"), await file_stranger(crowd, "eve")
        ann = await offering(crowd, home)
        number = (await bob.server_says(Offering)).number
        bob.send(open_stream(5, number, 0, 1000))
        eve.send(open_stream(6, number, 0, 400))
        _, stream, payload = await ann.hears(FileKind.OPEN)
        assert payload.hex() == "00000001" + "0000000000000000" + "00000190"  # as much as the slower one can take
        ann.send(prove(stream, 0, b"proof"))
        ann.send(carry(stream, b"x" * 400))
        assert (await bob.hears(FileKind.DATA))[1:] == (5, b"x" * 400)
        assert (await eve.hears(FileKind.DATA))[1:] == (6, b"x" * 400)
        assert bob.of(FileKind.PROOF) == [(FileKind.PROOF, 5, b"\0\0\0\0proof")]
        eve.send(give_credit(6, 100))
        assert (await ann.hears(FileKind.CREDIT))[2].hex() == "00000064"
        eve.send(stop_stream(6))
        assert (await ann.hears(FileKind.CREDIT, 2))[2] == (500).to_bytes(4, "big")
        ann.send(carry(stream, b"y" * 600))
        ann.send(end_stream(stream))
        assert (await bob.hears(FileKind.END))[1] == 5
        assert len(ann.of(FileKind.OPEN)) == 1
        assert len(eve.of(FileKind.DATA)) == 1


async def test_one_that_gives_no_credit_does_not_hold_up_the_others(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob, slow = await file_stranger(crowd, "bob"), await file_stranger(crowd, "slow")
        ann = await offering(crowd, home)
        number = (await bob.server_says(Offering)).number
        bob.send(open_stream(1, number, 0, WINDOW))
        slow.send(open_stream(1, number, 0, PIECE))
        _, stream, _ = await ann.hears(FileKind.OPEN)
        ann.send(carry(stream, bytes(PIECE)))
        assert (await ann.hears(FileKind.CREDIT))[2] == (WINDOW - PIECE).to_bytes(4, "big")
        slow.send(give_credit(1, 10))
        _, other, payload = await ann.hears(FileKind.OPEN, 2)
        assert payload == OPENING.pack(1, PIECE, 10)  # from where it is
        assert other != stream


@pytest.mark.parametrize("credit", [1, PIECE - 1])
async def test_a_byte_of_credit_does_not_hold_up_the_others(home: Path, credit: int) -> None:
    """A sender sends full pieces: what was granted would never come, for nobody."""
    async with Crowd(home, headless=True) as crowd:
        bob, mallory = await file_stranger(crowd, "bob"), await file_stranger(crowd, "mallory")
        ann = await offering(crowd, home)
        number = (await bob.server_says(Offering)).number
        mallory.send(open_stream(1, number, 0, credit))
        bob.send(open_stream(1, number, 0, WINDOW))
        await ann.hears(FileKind.OPEN, 2)
        assert {payload for _, _, payload in ann.of(FileKind.OPEN)} == {OPENING.pack(1, 0, credit), OPENING.pack(1, 0, WINDOW)}


async def test_what_was_granted_and_does_not_come_does_not_hold_up_the_others(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob, mallory = await file_stranger(crowd, "bob"), await file_stranger(crowd, "mallory")
        ann = await offering(crowd, home)
        number = (await bob.server_says(Offering)).number
        mallory.send(open_stream(1, number, 0, PIECE + 5))
        bob.send(open_stream(1, number, 0, WINDOW))
        _, stream, _ = await ann.hears(FileKind.OPEN)
        ann.send(carry(stream, bytes(PIECE)))  # a full piece: 5 bytes more are granted
        await bob.hears(FileKind.DATA)
        bob.send(give_credit(1, PIECE))
        assert (await ann.hears(FileKind.CREDIT))[1:] == (stream, (WINDOW - 5).to_bytes(4, "big"))
        assert (await ann.hears(FileKind.OPEN, 2))[2] == OPENING.pack(1, PIECE, 5)
        ann.send(carry(stream, b"x" * PIECE))
        assert (await bob.hears(FileKind.DATA, 2))[2] == b"x" * PIECE
        await idle()
        assert len(mallory.of(FileKind.DATA)) == 1


async def test_a_late_receiver_gets_a_stream_alone(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob, late = await file_stranger(crowd, "bob"), await file_stranger(crowd, "late")
        ann = await offering(crowd, home)
        number = (await bob.server_says(Offering)).number
        bob.send(open_stream(1, number, 0, 1000))
        await ann.hears(FileKind.OPEN)
        late.send(open_stream(1, number, 262_144, 1000))
        assert (await ann.hears(FileKind.OPEN, 2))[2].hex() == "00000001" + "0000000000040000" + "000003e8"


async def test_a_sender_that_leaves_ends_what_it_offers(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob = await file_stranger(crowd, "bob")
        ann = await offering(crowd, home)
        number = (await bob.server_says(Offering)).number
        bob.send(open_stream(1, number, 0, 1000))
        await ann.hears(FileKind.OPEN)
        ann.stranger.cut()
        assert (await bob.hears(FileKind.FAIL))[2] == bytes([FileFailure.GONE])
        withdrawn = await bob.server_says(Withdrawal)
        assert (withdrawn.number, withdrawn.cut) == (number, True)
        late = await file_stranger(crowd, "late")
        await idle()
        assert not late.said


async def test_a_receiver_that_leaves_stops_its_stream(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob = await file_stranger(crowd, "bob")
        ann = await offering(crowd, home)
        bob.send(open_stream(1, (await bob.server_says(Offering)).number, 0, 1000))
        _, stream, _ = await ann.hears(FileKind.OPEN)
        bob.stranger.cut()
        assert (await ann.hears(FileKind.STOP))[1] == stream
        ann.send(carry(stream, b"under way"))
        await idle()
        assert not ann.stranger.session.ending


async def test_what_fails_at_the_sender_fails_at_the_receiver(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob = await file_stranger(crowd, "bob")
        ann = await offering(crowd, home)
        bob.send(open_stream(1, (await bob.server_says(Offering)).number, 0, 1000))
        _, stream, _ = await ann.hears(FileKind.OPEN)
        ann.send(fail_stream(stream, FileFailure.CHANGED))
        assert (await bob.hears(FileKind.FAIL))[2] == bytes([FileFailure.CHANGED])


async def test_the_sender_is_told_what_receivers_do(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob = await file_stranger(crowd, "bob")
        ann = await offering(crowd, home)
        number = (await bob.server_says(Offering)).number
        for state in ("nonsense", "declined", "declined", "failed"):
            bob.send(say(FileReply(number=number, state=state)))
        reply = await ann.server_says(FileReply)
        assert (reply.number, reply.state, reply.sender["name"]) == (1, "declined", "bob")
        await ann.stranger.until(lambda: any(getattr(one, "state", "") == "failed" for one in ann.said))
        assert [one.state for one in ann.said if isinstance(one, FileReply)] == ["declined", "failed"]  # each once


async def test_what_a_member_replied_is_forgotten_with_it(home: Path) -> None:
    """Otherwise the list would grow as long as the offer stands."""
    async with Crowd(home, headless=True) as crowd:
        bob = await file_stranger(crowd, "bob")
        await offering(crowd, home)
        number = (await bob.server_says(Offering)).number
        bob.send(say(FileReply(number=number, state="accepted")))
        offer = crowd.hub.exchange.made._offers[number]
        while not offer.replies:  # noqa: ASYNC110
            await asyncio.sleep(0)
        bob.stranger.cut()
        while offer.replies:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_what_a_member_had_sent_before_it_left_does_not_bring_it_back(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        ann = await offering(crowd, home)
        member = next(one for one in crowd.hub.members.values() if one.name == "ann")
        exchange = crowd.hub.exchange.made
        assert member in exchange._parties
        ann.stranger.cut()
        while member in exchange._parties:  # noqa: ASYNC110
            await asyncio.sleep(0)
        exchange.hear(member, say(Withdrawal(number=1)))
        assert member not in exchange._parties


@pytest.mark.parametrize(
    "attack",
    [
        "overrun",
        "no credit",
        "empty",
        "twice",
        "too much credit at once",
        "too much credit",
        "proof twice",
        "proof of later",
        "short",
    ],
)
async def test_who_breaks_the_rules_is_removed_and_nobody_else(home: Path, attack: str) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob = await file_stranger(crowd, "bob")
        ann = await offering(crowd, home)
        number = (await bob.server_says(Offering)).number
        bob.send(open_stream(1, number, 0, 1000))
        _, stream, _ = await ann.hears(FileKind.OPEN)
        culprit, victim = (
            (ann, bob) if attack in ("overrun", "no credit", "empty", "proof twice", "proof of later") else (bob, ann)
        )
        bodies = {
            "overrun": [carry(stream, bytes(1001))],
            "no credit": [carry(stream, bytes(1000)), carry(stream, b"x")],
            "empty": [carry(stream, b"")],
            "proof twice": [prove(stream, 0, b""), prove(stream, 0, b"")],
            "proof of later": [prove(stream, 1, b"")],
            "twice": [open_stream(1, number, 0, 1)],
            "too much credit at once": [open_stream(2, number, 0, MAX_CREDIT + 1)],
            "too much credit": [give_credit(1, MAX_CREDIT)],
            "short": [b"\1\0"],
        }[attack]
        for body in bodies:
            culprit.stranger.session.send_item(Extension(FILE, body))
        await culprit.ended()
        await idle()
        assert not victim.stranger.session.ending


async def test_a_thousand_streams_cost_the_server_eight_and_each_sender_one(home: Path) -> None:
    """Otherwise a few members could use up all the streams of a sender, and nobody else would get the file."""
    async with Crowd(home, headless=True) as crowd:
        bob = await file_stranger(crowd, "bob")
        ann = await offering(crowd, home)
        file = file_offer(written(home / "film.mkv", SIZE))
        for more in range(2, OFFERS + 1):
            ann.offer(file, more)
        await bob.stranger.until(lambda: len(bob.said) == OFFERS)
        numbers = [said.number for said in bob.said]
        for stream in range(60):
            bob.send(open_stream(stream, numbers[0], stream, 1000))
        await bob.hears(FileKind.FAIL, 59)
        assert len(ann.of(FileKind.OPEN)) == 1
        for stream, number in enumerate(numbers, 100):
            bob.send(open_stream(stream, number, 0, 1000))
        await bob.hears(FileKind.FAIL, 59 + OFFERS + 1 - STREAMS)
        assert {why for _, _, why in bob.of(FileKind.FAIL)} == {bytes([FileFailure.TOO_MANY])}
        await ann.hears(FileKind.OPEN, STREAMS)
        await idle()
        assert len(ann.of(FileKind.OPEN)) == STREAMS


async def test_an_offer_that_is_too_long_with_its_sender_disconnects_nobody(home: Path) -> None:
    """The server adds who offers it: a receiver does not take more than MAX_SAID bytes."""
    async with Crowd(home, headless=True) as crowd:
        bob, mallory = await file_stranger(crowd, "bob"), await file_stranger(crowd, "mallory")
        file = msgspec.to_builtins(file_offer(written(home / "x", 10)))
        for length in range(3580, 3880, 20):
            mallory.send(say(Offering(number=length, id="x" * length, file=file)))
        mallory.send(say(Withdrawal(number=1)))
        await mallory.stranger.until(lambda: len(mallory.said) == 15)
        refused = {said.number for said in mallory.said if isinstance(said, Refusal) and "too long" in said.text}
        assert 0 < len(refused) < 15
        assert not bob.stranger.session.ending
        assert len(bob.said) == 15 - len(refused)


@pytest.mark.parametrize("number", [-1, 2**32, 2**70])
async def test_a_number_that_does_not_fit_is_not_understood(home: Path, number: int) -> None:
    async with Crowd(home, headless=True) as crowd:
        bob, mallory = await file_stranger(crowd, "bob"), await file_stranger(crowd, "mallory")
        mallory.send(say(Offering(number=number, id="x", file={})))
        ann = await offering(crowd, home)
        await bob.server_says(Offering)
        assert [said.number for said in bob.said] == [1]
        assert not mallory.said[:-1]
        assert not ann.stranger.session.ending


async def test_to_go_to_another_room_takes_back_what_was_offered(home: Path) -> None:
    film = written(home / "film.mkv", 1000)
    async with Crowd(home) as crowd:
        ann, bob = await crowd.comes("ann"), await crowd.comes("bob", into=folder_of(crowd, "bob"))
        ann.say(f"/send {film}")
        await reaches(bob.ui, "offered")
        ann.say("/join kitchen")
        await reaches(bob.ui, "withdrawn")
