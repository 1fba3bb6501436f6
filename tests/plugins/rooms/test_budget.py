"""What one member may cost: it is charged before the work is done, nothing is lost, and the others are served meanwhile."""

import asyncio
import gc
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from crowd import PATIENT, Crowd, Stranger, Tight
from msgspec import structs
from msgspec.structs import replace

from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.items import CloseReason
from plytalk.core.io.asyncio_stream import AsyncioStream
from plytalk.plugins.messages.records import BUCKETS, CAPACITY, MESSAGE
from plytalk.plugins.record_spans import HEADER, MORE
from plytalk.plugins.rooms import budget as budgets
from plytalk.plugins.rooms import pace, room_commands
from plytalk.plugins.rooms.budget import (
    BURST_BYTES,
    BURST_REQUESTS,
    BYTES,
    DELIVERED,
    REQUESTS,
    TOGETHER,
    TURN,
    Budget,
    Rates,
    Turns,
    Unfinished,
)
from plytalk.plugins.rooms.member import Member
from plytalk.plugins.rooms.room_events import ROOM
from plytalk.plugins.transports.tcp import Tcp
from plytalk.testing.verdict import idle, within

MIB = 1024 * 1024
RATES = Rates(20, 80)


def record(*items: tuple[int, bytes]) -> bytes:
    """One record, padded to the longest."""
    parts = [part for kind, body in items for part in (HEADER.pack(kind, len(body)), body)]
    size = sum(map(len, parts))
    parts.append(bytes(CAPACITY - size))
    return b"".join(parts)


def member_of(crowd: Crowd, name: str) -> Member:
    found: Member = next(one for one in crowd.hub.members.values() if one.name == name)
    return found


# -- by itself ----------------------------------------------------------------------------------------------------------------


def test_what_is_used_up_comes_back_with_time_up_to_what_is_allowed_at_once() -> None:
    budget = Budget(RATES, 0.0)
    assert budget.refill(RATES, 1000.0, crowd=True) == 0
    assert (budget.messages, budget.requests, budget.octets, budget.work) == (80, BURST_REQUESTS, BURST_BYTES, TURN)
    budget.messages -= 120
    budget.requests -= BURST_REQUESTS + 10
    budget.octets -= BURST_BYTES + BYTES / 4
    assert budget.refill(RATES, 1000.0, crowd=True) == 2.0  # 40 messages at 20 a second
    assert budget.refill(RATES, 1001.9, crowd=True) == pytest.approx(0.1)
    assert budget.refill(RATES, 1002.0, crowd=True) == pytest.approx(0)


def test_work_comes_back_with_a_turn_and_not_with_time() -> None:
    budget = Budget(RATES, 0.0)
    budget.work = -1.0
    assert budget.refill(RATES, 1e6, crowd=True) == 0
    assert budget.work == -1.0  # or many busy members would all work in the same turn of the event loop


def test_where_two_are_there_messages_and_bytes_are_free_and_requests_are_not() -> None:
    budget = Budget(RATES, 0.0)
    budget.messages, budget.octets, budget.requests = -1000, -1e9, -REQUESTS
    assert budget.refill(RATES, 0.0, crowd=False) == 1.0
    assert (budget.messages, budget.octets) == (80, BURST_BYTES)
    budget.messages, budget.octets = -1000, -1e9
    assert budget.refill(Rates(0, 20), 1.0, crowd=True) == 0  # a rate of 0 allows any number


def test_those_that_send_too_many_bytes_share_what_all_of_them_may_send() -> None:
    budget = Budget(RATES, 0.0)
    budget.octets = -BYTES
    assert budget.refill(RATES, 0.0, crowd=True, share=4) == 4.0


async def test_turns_are_taken_one_in_each_turn_of_the_loop_and_in_order() -> None:
    turns, taken = Turns(asyncio.get_running_loop()), list[str]()

    def again(name: str, times: int) -> None:
        taken.append(name)
        if times:
            turns.wait(lambda: again(name, times - 1))

    for name in "abc":
        turns.wait(lambda name=name: again(name, 2))  # type: ignore[misc]
    for count in range(1, 10):
        await asyncio.sleep(0)
        assert len(taken) == count
    assert taken == list("abcabcabc")
    assert not len(turns)


async def test_what_many_have_saved_up_is_not_all_spent_in_one_turn_of_the_loop(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each member may say 800 lines at once; all together, those of a few members."""
    said = [0]

    def next_turn() -> None:
        if said[-1]:
            said.append(0)
        asyncio.get_running_loop().call_soon(next_turn)

    async with Crowd(home, headless=True, rate=0) as crowd:
        people = [await crowd.joins(f"member-{number}") for number in range(30)]
        say = crowd.hub.first.say

        def counted(*what: Any) -> None:
            said[-1] += 1
            say(*what)

        monkeypatch.setattr(crowd.hub.first, "say", counted)
        next_turn()
        lines = [HEADER.pack(MESSAGE, len(text)) + text for text in (b"%d" % number for number in range(800))]
        for person in people:
            person.session.send_packed([b"".join(lines).ljust(BUCKETS[4], b"\0")])
        await people[0].until(lambda: sum(text.endswith(": 799") for text in people[0].texts) == 30)
        assert sum(said) == 30 * 800
        assert max(said) <= TOGETHER + 2 * TURN
        for member in {event.name for event in people[0].events if event.text == "799"}:
            told = [event.text for event in people[0].events if event.name == member and event.text.isdigit()]
            assert told == [f"{number}" for number in range(800)]


def test_of_unfinished_messages_the_oldest_is_given_up_where_they_are_too_many() -> None:
    given_up: list[object] = []
    unfinished = Unfinished(given_up.append)
    for member in range(40):
        for size in range(64 * 1024, MIB + 1, 64 * 1024):
            unfinished.note(member, size)
    assert given_up == list(range(8))
    assert unfinished.total == 32 * MIB
    for member in range(40):
        unfinished.note(member, 0)
    assert unfinished.total == 0
    assert not unfinished._sources


@pytest.mark.parametrize("together", [False, True])
def test_many_connections_do_not_push_out_a_long_message_that_is_growing(together: bool) -> None:
    given_up: list[object] = []
    unfinished = Unfinished(given_up.append)
    for size in range(64 * 1024, MIB + 1, 64 * 1024):
        unfinished.note("honest", size, "home")
        for member in range(size, size + (1000 if together else 20)):
            unfinished.note(member, MIB - 1, "elsewhere" if together else member)
        assert unfinished.total <= 32 * MIB
    assert given_up
    assert "honest" not in given_up


def test_a_source_that_holds_most_gives_way_before_others_that_are_older() -> None:
    given_up: list[object] = []
    unfinished = Unfinished(given_up.append)
    unfinished.note("honest", MIB - 1, "home")  # and then it is slow
    for member in range(100):
        unfinished.note(member, MIB - 1, "elsewhere")
    assert given_up == list(range(69))
    for member in ("honest", *range(69, 100)):
        unfinished.note(member, 0)
    assert (unfinished.total, unfinished._sources) == (0, {})


async def test_the_work_of_a_message_grows_with_the_room_that_it_is_for(home: Path) -> None:
    async with Crowd(home, headless=True, rate=0) as crowd:
        people = [await crowd.joins(name) for name in ("alice", "bob", "carol", "dave")]
        member, left = member_of(crowd, "alice"), []
        for text in ("x" * MIB, "/me " + "x" * (MIB - 100)):
            member.budget.work, member.budget.since = 0.0, crowd.hub.loop.time() + 1e6
            member.message(text)
            left.append(member.budget.work)
            member._go_on()
        assert all(work <= -4 * (MIB - 200) / DELIVERED for work in left)
        member.budget.work, turns = -3.5 * TURN, 0
        while member.budget.work < 0:
            before = member.budget.work
            member._take_turn()
            turns += 1
            assert member.budget.work >= min(TURN, before + TURN)
        assert turns <= 4
        people[1].session.say("meanwhile")
        await people[2].until(lambda: "bob: meanwhile" in people[2].texts)


@pytest.mark.parametrize("kind", ["frame", "items"])
async def test_all_that_has_come_and_is_not_done_counts_as_kept(home: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "REQUESTS", 1e-9)  # nothing comes back with time
    monkeypatch.setattr(budgets, "UNFINISHED", 300_000)
    async with Crowd(home, headless=True) as crowd:
        alice = await crowd.joins("alice")
        others: list[Stranger] = []
        for number in range(8):
            other = await crowd.joins(f"other-{number}")
            if kind == "frame":
                other.session.stream.send(b"\xff\xff" + bytes(60_000))
            else:
                other.session.send_packed([record(*[(100, b"")] * 2000)])
            others.append(other)
            await idle()
            assert crowd.hub.unfinished.total <= 300_000
        gone = [other for other in others if other.session.ending]
        assert len(gone) >= 3
        assert not others[-1].session.ending
        alice.session.say("still here")
        await alice.until(lambda: "alice: still here" in alice.texts)


def test_who_finishes_something_is_not_the_oldest_any_more() -> None:
    given_up: list[object] = []
    unfinished = Unfinished(given_up.append)
    unfinished.note("busy", 20 * MIB)
    unfinished.note("idle", 10 * MIB)
    unfinished.note("busy", 10 * MIB)
    unfinished.note("new", 13 * MIB)
    assert given_up == ["idle"]


# -- floods -------------------------------------------------------------------------------------------------------------------

FLOODS: dict[str, bytes] = {
    "who": record(*[(MESSAGE, b"/who")] * 9350),
    "help": record(*[(MESSAGE, b"/help")] * 8000),
    "rooms": record(*[(MESSAGE, b"/rooms")] * 7000),
    "unknown command": record(*[(MESSAGE, b"/x")] * 13000),
    "join": record(*[(MESSAGE, b"/join a"), (MESSAGE, b"/join b")] * 3000),
    "pings": record(*[(3, b"")] * 21000),
    "unknown items": record(*[(6, b"")] * 21000),
    "unknown extensions": record(*[(100, b"")] * 21000),
    "joins": record(*[(ROOM, b'{"do":"join"}')] * 4000),
    "acks": record(*[(2, bytes(8))] * 5000),
    "empty messages": record(*[(MESSAGE, b"")] * 21000),
    "nothing": bytes(CAPACITY),
}


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("headless", [True, False], ids=["three", "four"])
async def test_a_flood_is_stopped_in_the_middle_and_the_others_go_on(
    home: Path, flood: str, headless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def counted(command: Command) -> Command:
        return structs.replace(command, run=lambda call: (ran.append(call.name), command.run(call)))

    monkeypatch.setattr(room_commands, "COMMANDS", [*map(counted, room_commands.COMMANDS)])
    monkeypatch.setattr(budgets, "REQUESTS", 1e-9)  # nothing comes back with time, however long this takes
    async with Crowd(home, headless=headless) as crowd:
        alice, bob, mallory = [await crowd.joins(name) for name in ("alice", "bob", "mallory")]
        for _ in range(400 if flood == "nothing" else 12):
            mallory.session.send_packed([FLOODS[flood]])
        for number in range(5):
            alice.session.say(f"line {number}")
            await bob.until(lambda number=number: f"alice: line {number}" in bob.texts)  # type: ignore[misc]
        await idle()
        member = member_of(crowd, "mallory")
        while member.session.is_reading:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert len(ran) <= BURST_REQUESTS + 1
        assert sum(map(len, mallory.bodies)) + len(str(mallory.told)) < MIB
        assert member.stream.buffered < MIB
        crowd.hub.drop(member, "flooding", CloseReason.KICKED)
        assert member.session.is_reading


async def test_nothing_of_a_flood_is_lost(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Crowd(home, headless=True, rate=0) as crowd:
        alice, bob, busy = [await crowd.joins(name) for name in ("alice", "bob", "busy")]
        lines = [(MESSAGE, b"%d" % number) if number % 100 else (MESSAGE, b"/me does %d" % number) for number in range(5000)]
        busy.session.send_packed([record(*lines)])
        await idle()
        monkeypatch.setattr(budgets, "REQUESTS", 1e9)
        busy.session.say("last")
        await bob.until(lambda: "busy: last" in bob.texts)
        said = [event.text for event in bob.events if event.name == "busy"][1:]
        assert said == [f"{number}" if number % 100 else f"does {number}" for number in range(5000)] + ["last"]
        assert alice.bodies[-1] == bob.bodies[-1]


# -- bytes --------------------------------------------------------------------------------------------------------------------


async def test_a_member_sends_so_many_bytes_a_second_where_more_than_two_are_there(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Crowd(home, headless=True) as crowd:
        alice, bob, loud = [await crowd.joins(name) for name in ("alice", "bob", "loud")]
        for _ in range(12):
            loud.session.say("x" * MIB)
        await idle()
        member = member_of(crowd, "loud")
        assert not member.session.is_reading
        assert crowd.hub.loud == 1
        assert member.session.connection.messages.unfinished < MIB
        alice.session.say("meanwhile")
        await bob.until(lambda: "alice: meanwhile" in bob.texts)
        monkeypatch.setattr(budgets, "BYTES", 1e12)
        crowd.hub.rates = Rates(0, 20)
        member._go_on()
        await bob.until(lambda: sum(len(body) > MIB for body in bob.bodies) == 12)
        assert crowd.hub.loud == 0
        assert len(crowd.hub.members) == 3


async def test_a_slow_reader_gets_twelve_long_messages(home: Path) -> None:
    async with Crowd(home, transport=Tight, host="127.0.0.1", rate=0, headless=True) as crowd:
        alice, bob, slow = [await crowd.joins(name) for name in ("alice", "bob", "slow")]
        slow.session.stream.pause()
        for _ in range(12):
            alice.session.say("x" * (MIB - 100))
        alice.session.say("last")
        await bob.until(lambda: "alice: last" in bob.texts)
        member = member_of(crowd, "slow")
        assert member.stream.buffered <= MIB + 512 * 1024
        slow.session.stream.resume()
        await slow.until(lambda: "alice: last" in slow.texts)
        assert sum(len(body) > MIB - 100 for body in slow.bodies) == 12
        assert crowd.hub.dropped == 0


@pytest.mark.parametrize("plain", [False, True])
async def test_where_two_are_there_the_one_waits_for_the_other(home: Path, plain: bool) -> None:
    async with Crowd(home, transport=Tight, host="127.0.0.1", headless=True) as crowd:
        fast = await crowd.joins("fast")
        slow = await crowd.stranger("slow") if plain else await crowd.joins("slow")
        if plain:
            slow.session.say("hi")
            await fast.until(lambda: fast.texts and fast.texts[-1].endswith("hi"))
        slow.session.stream.pause()
        member = member_of(crowd, "fast")
        for number in range(200):
            fast.session.say(f"{number} " + "x" * 50_000)
        while member.session.is_reading:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert crowd.hub.first.log.kept < 8 * MIB
        slow.session.stream.resume()
        fast.session.say("last")
        if plain:
            await slow.session.stack.ui.until(messages=201)  # type: ignore[attr-defined]
        else:
            await slow.until(lambda: slow.bodies[-1].endswith(b"last"))
            assert [event.text.partition(" ")[0] for event in slow.events[-201:-1]] == [f"{number}" for number in range(200)]
        assert crowd.hub.dropped == 0


# -- those that do not read ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", ["/help", "/rooms", "/who", "ping"])
async def test_who_does_not_read_its_answers_is_read_from_no_more_and_then_dropped(
    home: Path, request_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "REQUESTS", 1e9)
    monkeypatch.setattr(pace, "UNREAD_BYTES", 100_000)
    async with Crowd(home, transport=Tight, host="127.0.0.1", headless=True) as crowd:
        alice, lazy = await crowd.joins("alice"), await crowd.joins("lazy")
        member = member_of(crowd, "lazy")
        lazy.session.stream.pause()
        body = record((3, b"p" * 60_000)) if request_ == "ping" else record(*[(MESSAGE, request_.encode())] * 5000)
        for _ in range(40):
            lazy.session.send_packed([body])
        while not member._behind:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert not member.session.is_reading
        assert member.stream.buffered < MIB
        alice.session.say("meanwhile")
        await alice.until(lambda: "alice: meanwhile" in alice.texts)
        monkeypatch.setattr(pace, "PATIENCE", -1e9)
        crowd.hub.start(member._catch_up())
        await crowd.ui.shows("lazy was removed: you did not read")
        assert crowd.hub.dropped == 1


# -- memory of all ------------------------------------------------------------------------------------------------------------


async def test_unfinished_messages_of_all_together_are_bounded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "UNFINISHED", 300_000)
    async with Crowd(home, headless=True) as crowd:
        alice = await crowd.joins("alice")
        others: list[Stranger] = []
        for number in range(8):
            other = await crowd.joins(f"other-{number}")
            other.session.send_packed([HEADER.pack(MESSAGE | MORE, 60_000) + bytes(CAPACITY - HEADER.size)])
            others.append(other)
            await idle()
            assert crowd.hub.unfinished.total <= 300_000
        assert sum(other.session.ending is not None for other in others) == 3
        alice.session.say("still here")
        await alice.until(lambda: "alice: still here" in alice.texts)


GOING: dict[str, list[bytes]] = {
    "after a word": [record((MESSAGE, b"hello"))],
    "after a blank line": [record((MESSAGE, b" "))],
    "while its pings wait": [record(*[(3, b"")] * 21000)] * 3,
    "while its lines wait": [record(*[(MESSAGE, b"x")] * 16000)] * 3,
    "while its bytes wait": [HEADER.pack(MESSAGE | MORE, 60_000) + bytes(CAPACITY - HEADER.size)] * 10,
    "in a message": [HEADER.pack(MESSAGE | MORE, 60_000) + bytes(CAPACITY - HEADER.size)],
}


@pytest.mark.parametrize("cut", [True, False], ids=["cut", "removed"])
@pytest.mark.parametrize("sent", GOING)
async def test_nothing_is_left_of_a_member_that_has_gone(home: Path, sent: str, cut: bool) -> None:
    """Neither the member nor its conversation is kept, nor anything that it sent or was sent; without a search for cycles."""
    async with Crowd(home, headless=True, transport=Tcp, host="127.0.0.1", limits=replace(PATIENT, goodbye=0.2)) as crowd:
        for name in ("alice", "bob"):
            await crowd.joins(name)
        with no_search_for_cycles():
            before = kept()
            going = await crowd.joins("mallory")
            going.session.send_packed(GOING[sent])
            await idle()
            if cut:
                reset(going)
            else:
                crowd.hub.drop(member_of(crowd, "mallory"), "enough", CloseReason.KICKED)
                await idle()
                going.session.stream.close()
            del going
            del crowd.strangers[2:]

            async def leave_nothing() -> None:
                while len(crowd.hub.members) > 2 or kept() > before:  # noqa: ASYNC110
                    await asyncio.sleep(0)

            await within(leave_nothing(), "Something is left")
        assert crowd.hub.unfinished.total == crowd.hub.loud == 0


def reset(peer: Stranger) -> None:
    """Close the connection so that the server's next write fails (SO_LINGER, socket(7))."""
    stream = peer.session.stream
    assert isinstance(stream, AsyncioStream)
    stream._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream._transport.abort()


def kept() -> int:
    return sum(isinstance(each, Member) for each in gc.get_objects())


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
