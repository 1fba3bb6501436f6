"""Peers that have arrived and wait to be accepted."""

import asyncio

import pytest

from plytalk.core.contracts.errors import CannotConnect
from plytalk.core.contracts.transport import Stream
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.io.queue_listener import QueueListener
from plytalk.testing.verdict import idle


class Counting(QueueListener):
    released = 0

    def release(self) -> None:
        self.released += 1


def peer() -> Stream:
    return memory_stream_pair()[1]


async def test_peers_are_accepted_in_the_order_in_which_they_came() -> None:
    listener, first, second = QueueListener("here"), peer(), peer()
    accepting = asyncio.create_task(listener.accept())
    await idle()
    listener.arrive(first)
    listener.arrive(second)
    assert await accepting is first
    assert await listener.accept() is second
    assert listener.address == "here"


async def test_more_than_can_wait_are_sent_away() -> None:
    listener, first, second = QueueListener(backlog=1), peer(), peer()
    listener.arrive(first)
    listener.arrive(second)
    assert (first._closed, second._closed) == (False, True)  # type: ignore[attr-defined]


async def test_closing_sends_away_who_waits_and_tells_everybody_who_accepts() -> None:
    listener, waiting, late = Counting(), peer(), peer()
    listener.arrive(waiting)
    await listener.close()
    listener.arrive(late)
    assert (waiting._closed, late._closed) == (True, True)  # type: ignore[attr-defined]
    for _ in range(2):
        with pytest.raises(CannotConnect, match="closed"):
            await listener.accept()


async def test_closing_ends_all_who_accept() -> None:
    listener = Counting()
    accepting = [asyncio.create_task(listener.accept()) for _ in range(3)]
    await idle()
    await listener.close()
    for task in accepting:
        with pytest.raises(CannotConnect):
            await task


async def test_the_place_is_given_back_once() -> None:
    listener = Counting()
    await listener.close()
    await listener.close()
    assert listener.released == 1


async def test_a_cancelled_accept_loses_nobody() -> None:
    listener, somebody = QueueListener(), peer()
    accepting = asyncio.create_task(listener.accept())
    await idle()
    accepting.cancel()
    listener.arrive(somebody)
    await asyncio.gather(accepting, return_exceptions=True)
    assert await listener.accept() is somebody
