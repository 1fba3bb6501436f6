"""The endings after which a client reconnects, and those after which it stops."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import CannotConnect, HandshakeFailed, Refused, StackMismatch, Tampered, Truncated
from plytalk.plugins.rooms import reconnecting
from plytalk.plugins.rooms.reconnecting import WAITS, Reconnecting
from plytalk.testing.verdict import idle

CUT = Ending(EndedBy.FAULT, "cut", Truncated("cut"))


@pytest.mark.parametrize(
    ("ending", "again"),
    [
        (CUT, True),
        (Ending(EndedBy.FAULT, "", CannotConnect("nobody")), True),
        (Ending(EndedBy.FAULT, "", HandshakeFailed("gone")), True),
        (Ending(EndedBy.FAULT, "", Refused("no")), False),
        (Ending(EndedBy.FAULT, "", Tampered("changed")), False),
        (Ending(EndedBy.FAULT, "", StackMismatch("another stack")), False),
        (Ending(EndedBy.THEM, "The other side said exit."), True),
        (Ending(EndedBy.US, "You said exit."), False),
    ],
)
def test_it_comes_back_after_a_cut_or_a_goodbye_and_not_after_its_own_or_a_refusal(ending: Ending, again: bool) -> None:
    assert Reconnecting(True).is_due(ending) is again
    assert Reconnecting(False).is_due(ending) is False


async def test_each_time_it_waits_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def wait_for(awaitable: Coroutine[Any, Any, bool], seconds: float) -> None:
        awaitable.close()
        waited.append(seconds)
        raise TimeoutError

    monkeypatch.setattr(reconnecting.asyncio, "wait_for", wait_for)
    again = Reconnecting(True)
    for _ in range(9):
        assert again.is_due(CUT)
        assert await again.wait()
    assert waited == [*WAITS, WAITS[-1], WAITS[-1]]


async def test_after_a_goodbye_it_tries_for_a_while_and_then_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnecting, "WAITS", (0, 0, 0))
    again = Reconnecting(True)
    for ending in (
        Ending(EndedBy.THEM, "The other side said exit."),
        Ending(EndedBy.FAULT, "", StackMismatch("a server that is just ending")),
    ):
        assert again.is_due(ending)
        assert await again.wait()
    assert not again.is_due(Ending(EndedBy.FAULT, "", CannotConnect("nobody")))
    again.begin()
    assert again.is_due(CUT)


async def test_when_it_is_stopped_it_waits_no_longer_and_does_not_try() -> None:
    again = Reconnecting(True)
    waiting = asyncio.create_task(again.wait())
    await idle()
    assert not waiting.done()
    again.stop()
    assert await waiting is False
    assert not again.is_due(CUT)
