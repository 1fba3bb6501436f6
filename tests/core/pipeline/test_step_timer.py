"""A step's time limit: how long it holds, and when it stands still."""

import asyncio
import contextlib
import gc
import weakref
from collections.abc import Coroutine
from typing import Any

import pytest
from opening import QUICK, Asks, AwaitsMore, Client, Yes, frame

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import (
    HandshakeFailed,
    TooSlow,
)
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Peer
from plytalk.core.contracts.questions import Question
from plytalk.core.pipeline.step_timer import StepTimer
from plytalk.testing import RecordingUi
from plytalk.testing.verdict import idle, within

pytestmark = pytest.mark.virtual_time


async def test_people_may_think_longer_than_peers() -> None:
    class Thinks(RecordingUi):
        """Takes its time, and says yes."""

        async def answer(self, question: Question) -> str | None:
            await asyncio.sleep(0.6)
            return "yes"

    client = Client(Asks, Thinks, limits=Limits(first_byte=0.5, handshake=0.5))
    client.peer.send(frame(b"K", b"key"))
    assert await client.opens() is None
    assert not client.opening.approved


async def test_after_a_person_s_answer_a_peer_has_as_much_time_as_before_and_no_more() -> None:
    client = Client(AwaitsMore, Asks, Yes, limits=QUICK)
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert isinstance(error, TooSlow)
    assert client.opening.approved


class AwaitsAPerson(Authenticator):
    """Waits for what the other side's person says."""

    name = "awaits"

    async def verify(self, channel, peer: Peer) -> None:
        await channel.receive(person=True)


async def test_the_other_side_s_person_has_time_to_think() -> None:
    client = Client(AwaitsAPerson)
    client.peer.send(frame(b"K", b"key"))
    opening = asyncio.create_task(client.opens())
    for _ in range(3):
        await idle()
    assert not opening.done()
    client.peer.send(frame(b"M", b"yes"))
    error = await opening
    assert isinstance(error, HandshakeFailed)
    assert "began to talk before both sides had agreed" in error.sentence


async def test_the_other_side_s_person_does_not_have_all_the_time_in_the_world() -> None:
    client = Client(AwaitsAPerson, limits=Limits(first_byte=3600, handshake=3600, person=0.05))
    client.peer.send(frame(b"K", b"key"))
    assert isinstance(await client.opens(), TooSlow)


# -- the timer alone ------------------------------------------------------------------------------------------------------


async def for_ever() -> None:
    await asyncio.Event().wait()


async def is_late(step: Coroutine[Any, Any, None]) -> bool:
    try:
        await step
    except TimeoutError:
        return True
    return False


async def test_a_step_that_takes_too_long_is_ended() -> None:
    timer = StepTimer()

    async def step() -> None:
        async with timer.limit(0.01):
            await for_ever()

    assert await within(is_late(step()), "The step went on.")
    assert timer.expired


async def test_each_step_has_its_own_limit() -> None:
    timer = StepTimer()
    with pytest.raises(TimeoutError):
        async with timer.limit(0):
            await for_ever()
    async with timer.limit(3600):
        await idle()
        assert not timer.expired
    assert not timer.expired


async def test_a_step_can_be_ended_at_once() -> None:
    timer = StepTimer()

    async def step() -> None:
        async with timer.limit(3600):
            timer.expire()
            await for_ever()

    assert await within(is_late(step()), "The step went on.")
    assert timer.expired


@pytest.mark.parametrize("answered", [True, False])
async def test_after_a_pause_a_step_has_the_time_that_was_left(answered: bool) -> None:
    timer, loop = StepTimer(), asyncio.get_running_loop()
    async with timer.limit(3600) as step:
        due = step.when()
        assert due is not None
        with contextlib.suppress(ZeroDivisionError):
            earliest = loop.time()
            with timer.pause():
                begun = loop.time()
                assert step.when() is None
                await asyncio.sleep(0.05)
                ended = loop.time()
                if not answered:
                    raise ZeroDivisionError
        latest = loop.time()
        now_due = step.when()
        assert now_due is not None
        rounding = 1e-6
        assert ended - begun - rounding <= now_due - due <= latest - earliest + rounding


async def test_a_pause_that_takes_too_long_ends_the_step() -> None:
    timer = StepTimer()

    async def step() -> None:
        async with timer.limit(3600):
            with timer.pause(0.01):
                await for_ever()

    assert await within(is_late(step()), "The pause went on.")
    assert timer.expired


async def test_a_pause_with_a_limit_may_be_longer_than_its_step() -> None:
    timer, loop = StepTimer(), asyncio.get_running_loop()
    async with timer.limit(60) as step:
        with timer.pause(3600):
            assert (step.when() or 0) > loop.time() + 60
        assert (step.when() or 0) <= loop.time() + 60


async def test_a_timer_that_has_forgotten_its_step_keeps_no_task() -> None:
    timer = StepTimer()

    async def step() -> None:
        async with timer.limit(3600):
            await idle()

    task = asyncio.create_task(step())
    await task
    kept = weakref.ref(task)
    gc.disable()
    try:
        del task
        await idle()
        assert kept() is not None  # until now
        timer.forget()
        assert kept() is None
        assert not timer.expired
    finally:
        gc.enable()
