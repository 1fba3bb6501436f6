"""The example bot: the same program with two, with three and with many, and through a cut."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from taking_part import Cut, client, room, said, until

from plytalk.api.hosting import ChatServer
from plytalk.core.contracts.events import Joined

BOT = Path(__file__).resolve().parents[2] / "examples" / "bot" / "votes.py"
MANY = 60
"""Members in a room where nobody is told any more who comes and goes."""


@asynccontextmanager
async def voting(server: ChatServer, address: str, home: Path) -> AsyncIterator[None]:
    """While the bot is in the room."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(BOT), address, str(server.fingerprint), env={**os.environ, "PLYTALK_HOME": str(home)}
    )
    try:
        await until(server, lambda event: isinstance(event, Joined) and event.sender.name == "votes")
        yield
    finally:
        process.terminate()
        await process.wait()


def test_it_is_about_twenty_lines() -> None:
    code = [line for line in BOT.read_text().split('"""')[2].splitlines() if line.strip()]
    assert len(code) <= 22


@pytest.mark.parametrize("others", [0, 1, MANY])
async def test_it_counts_with_two_with_three_and_with_many(others: int, tmp_path: Path) -> None:
    async with (
        room(tmp_path, name="carol") as server,
        voting(server, server.address, tmp_path / "bot"),
        AsyncExitStack() as stack,
    ):
        members = [await stack.enter_async_context(client(server, tmp_path, f"m{number}")) for number in range(others)]
        for voter in (server, *members):
            await voter.send("+tea")
        await server.send("+coffee")
        await server.send("votes?")
        assert await until(server, said("tea: 1, coffee: 1" if not others else f"tea: {1 + others}, coffee: 1"))
        if members:
            await members[0].send("votes?", to="votes")
            answer = await until(members[0], lambda event: getattr(event, "private", False) and not event.own)
            assert (answer.sender.name, answer.text) == ("votes", f"tea: {1 + others}, coffee: 1")


async def test_a_cut_costs_no_vote(tmp_path: Path) -> None:
    async with (
        room(tmp_path, name="carol") as server,
        client(server, tmp_path) as erin,
        Cut(server.address) as link,
        voting(server, link.address, tmp_path / "bot"),
    ):
        await erin.send("+tea")
        await erin.send("votes?")
        await until(erin, said("tea: 1"))
        link.cut()
        await erin.send("+tea")
        await erin.send("votes?")
        assert await until(erin, said("tea: 2"))
