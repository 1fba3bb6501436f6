"""How many rooms there are, how much they keep together, and when they are freed."""

import asyncio
from pathlib import Path

import pytest
from crowd import Crowd

from plytalk.plugins.rooms import room_list


def counted(crowd: Crowd) -> int:
    """How many bytes the logs of all rooms keep: what is counted as they grow and shrink is what there is."""
    kept = sum(room.log.kept for room in crowd.hub.rooms.values())
    assert crowd.hub.rooms._logs.kept == kept
    return kept


async def test_rooms_have_an_end_and_empty_ones_make_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_list, "MAX_ROOMS", 3)
    async with Crowd(home) as crowd:
        alice, bob = await crowd.joins("alice", room="one"), await crowd.joins("bob", room="two")
        carol = await crowd.joins("carol", room="three")
        assert (await carol.welcome())["room"] == "lobby"
        await carol.tells("There are 3 rooms already")
        number = (await bob.welcome())["now"]
        bob.session.say("/join lobby")
        await bob.welcome(2)
        carol.session.say("/join three")
        assert (await carol.welcome(2))["room"] == "three"
        alice.session.say("/join lobby")
        await alice.welcome(2)
        carol.session.say("/join two")
        assert (await carol.welcome(3))["now"] > number  # other numbers than in the room that was
        assert counted(crowd) > 0


async def test_all_rooms_keep_so_many_bytes_and_empty_ones_are_freed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_list, "MAX_LOGS", 500_000)
    monkeypatch.setattr(room_list, "EMPTY", 0.0)
    async with Crowd(home, headless=True, rate=0) as crowd:
        alice, mallory = await crowd.joins("alice"), await crowd.joins("mallory")
        for number in range(20):
            mallory.session.say(f"/join room-{number}")
            mallory.session.say(f"/topic {'x' * 200}")
            for _ in range(4):
                mallory.session.say("x" * 50_000)
            await mallory.welcome(number + 2)
            assert counted(crowd) <= 500_000
        mallory.session.say("/join lobby")
        await mallory.welcome(22)
        while len(crowd.hub.rooms) > 1:  # noqa: ASYNC110
            await asyncio.sleep(0)
        mallory.session.say("here again")
        await alice.until(lambda: "mallory: here again" in alice.texts)
        assert counted(crowd) == crowd.hub.first.log.kept
