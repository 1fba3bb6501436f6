"""Dead peers: what is silent is pinged, and what does not answer is gone."""

import asyncio
import time
from typing import Any

import pytest

from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.errors import Truncated
from plytalk.core.contracts.limits import DEFAULT_LIMITS
from plytalk.core.contracts.peers import Role
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.conversation.heartbeat import PARTS, Heartbeat
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.plugins.ciphers.none import NoCipher
from plytalk.plugins.framers.u16 import U16
from plytalk.plugins.messages.records import Records
from plytalk.testing import stack_of
from plytalk.testing.verdict import idle

PERIOD = DEFAULT_LIMITS.ping


class Timer:
    cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """An event loop's timers, for a test that says when their time has come."""

    def __init__(self) -> None:
        self.due: list[tuple[float, Any, Timer]] = []

    def call_later(self, delay: float, function: Any) -> Timer:
        self.due.append((delay, function, timer := Timer()))
        return timer

    def call_soon(self, function: Any, *arguments: Any) -> None:
        function(*arguments)

    @property
    def waits(self) -> bool:
        return any(not timer.cancelled for *_, timer in self.due)

    def ticks(self, times: int = 1) -> None:
        """Let an eighth of a period go by, this many times."""
        for _ in range(times):
            [(delay, function, _)] = [one for one in self.due if not one[2].cancelled]
            assert delay == PERIOD / PARTS
            self.due.clear()
            function()


class Peer:
    """Notes what a heartbeat does with it."""

    heard = False
    is_reading = True

    def __init__(self) -> None:
        self.pings, self.silent_for = 0, 0.0

    def has_heard(self) -> bool:
        heard, self.heard = self.heard, False
        return heard

    def ping(self) -> None:
        self.pings += 1

    def lost(self, seconds: float) -> None:
        self.silent_for = seconds


def watched(*peers: Peer) -> tuple[Heartbeat, Clock]:
    clock = Clock()
    heartbeat = Heartbeat(PERIOD, clock.call_later, clock.call_soon)
    for peer in peers:
        heartbeat.watch(peer)
    return heartbeat, clock


def test_silence_is_answered_by_one_ping_and_then_by_the_end() -> None:
    _, clock = watched(peer := Peer())
    clock.ticks(PARTS - 1)
    assert peer.pings == 0
    clock.ticks(PARTS)
    assert (peer.pings, peer.silent_for) == (1, 0)
    clock.ticks()
    assert (peer.pings, peer.silent_for) == (1, 2 * PERIOD)


def test_whatever_comes_counts_as_a_sign_of_life() -> None:
    _, clock = watched(talks := Peer(), answers := Peer())
    for _ in range(5 * PARTS):
        talks.heard = True
        before = answers.pings
        clock.ticks()
        answers.heard = answers.pings > before
    assert (talks.pings, talks.silent_for) == (0, 0)
    assert answers.pings > 1
    assert answers.silent_for == 0


def test_a_peer_that_we_do_not_read_is_pinged_and_not_given_up() -> None:
    """What it sends waits in its own buffers; it must learn that we are here, or it gives us up."""
    _, clock = watched(held := Peer())
    held.is_reading = False
    clock.ticks(6 * PARTS)
    assert held.pings == 3
    assert held.silent_for == 0
    held.is_reading = True
    clock.ticks(2 * PARTS)
    assert held.silent_for == 2 * PERIOD


def test_one_timer_for_all_and_none_where_there_is_nobody() -> None:
    peers = [Peer() for _ in range(1000)]
    heartbeat, clock = watched(*peers)
    assert len(clock.due) == 1
    clock.ticks(PARTS)
    assert all(peer.pings == 1 for peer in peers)
    for peer in peers:
        heartbeat.forget(peer)
    assert not clock.waits
    heartbeat.forget(peers[0])
    heartbeat.watch(peers[0])
    assert clock.waits


def test_a_peer_that_ends_while_others_are_looked_at_is_left_alone() -> None:
    first, second = Peer(), Peer()
    heartbeat, clock = watched(first, second)
    first.ping = lambda: heartbeat.forget(second)  # type: ignore[method-assign]
    clock.ticks(2 * PARTS)
    assert (second.pings, second.silent_for) == (0, 0)


def test_a_period_of_zero_watches_nobody() -> None:
    clock = Clock()
    Heartbeat(0, clock.call_later).watch(Peer())
    assert not clock.due


# -- sessions ---------------------------------------------------------------------------------------------------------------


async def two(clock: Clock, *layers: Any) -> tuple[DirectChat, DirectChat]:
    """A client whose heartbeat goes by `clock`, and a server without one, in conversation."""
    streams = memory_stream_pair()
    heartbeat = Heartbeat(PERIOD, clock.call_later, clock.call_soon)
    layers = layers or (U16, Records)
    client = DirectChat(Connection(stack_of(*layers), streams[0], Role.INITIATOR), heartbeat=heartbeat)
    server = DirectChat(Connection(stack_of(*layers), streams[1], Role.RESPONDER))
    await asyncio.gather(client.open(), server.open())
    client.begin()
    server.begin()
    return client, server


@pytest.fixture(autouse=True)
def any_cipher(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records need what only a real cipher gives; here nobody attacks."""
    monkeypatch.setattr(Records, "needs", frozenset())


async def test_a_live_peer_stays_for_ever() -> None:
    clock = Clock()
    client, server = await two(clock)
    for _ in range(10 * PARTS):
        clock.ticks()
        await idle()
    assert client.ending is server.ending is None
    client.exit()
    assert not clock.waits


async def test_a_dead_peer_ends_the_conversation_as_cut() -> None:
    clock = Clock()
    client, server = await two(clock)
    server.stream.pause()
    for _ in range(2 * PARTS + 1):
        clock.ticks()
        await idle()
        if client.ending:
            break
    assert client.ending is not None
    assert client.ending.by is EndedBy.FAULT
    assert isinstance(client.ending.error, Truncated)
    assert "silent for 60 seconds" in client.ending.reason
    assert not clock.waits


async def test_a_stack_without_such_a_message_sends_none() -> None:
    clock = Clock()
    client, server = await two(clock, NoCipher)
    server.stream.pause()
    assert not clock.due
    assert client.ending is None


async def test_five_thousand_at_rest_cost_next_to_nothing() -> None:
    """Not a figure that must be met, but the number of operations: one note for each in each look, and no separate timer."""
    clock = Clock()
    heartbeat = Heartbeat(PERIOD, clock.call_later, clock.call_soon)
    peers = [Peer() for _ in range(5000)]
    for peer in peers:
        heartbeat.watch(peer)
    before = time.process_time()
    clock.ticks(PARTS - 1)
    spent = time.process_time() - before
    print(f"{spent / (PARTS - 1) * 1000:.2f} ms of processor time for each of {PARTS} looks in {PERIOD:g} seconds")
    assert len(clock.due) == 1
    assert sum(peer.pings for peer in peers) == 0
