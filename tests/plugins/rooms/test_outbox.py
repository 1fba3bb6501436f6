"""What a turn of the event loop brings about is kept first, then acknowledged and delivered."""

from pathlib import Path

import pytest
from crowd import Crowd

from plytalk.testing.verdict import idle


@pytest.mark.parametrize("history", [False, True])
async def test_members_that_have_left_are_not_held(home: Path, history: bool) -> None:
    async with Crowd(home, headless=True, **({"history": home / "history"} if history else {})) as crowd:
        for _ in range(3):
            (await crowd.joins("alice")).session.exit()
            while crowd.hub.members:
                await idle()
        outbox = crowd.hub.outbox
        assert not outbox._entered
        assert not outbox._owing
        assert not outbox._rooms
