"""Three people accept, cancel, decline and lose connections in quick succession. In the end, no transfer is stuck."""

import asyncio
import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from crowd import Crowd, Person
from offering import cut, folder_of, reaches, transfers, until, written

from plytalk.plugins.files.transfer_states import TransferState
from plytalk.plugins.rooms.room_chat import ClientState
from plytalk.plugins.transports.tcp import Tcp

WHO = ("ann", "bob", "cyd")
RECEIVERS = ("ann", "bob", "cyd", "cyd", "cyd")
SAID = ("/accept", "/accept 1", "/accept 2", "/cancel 1", "/cancel 2", "/decline")
PAUSES = (0, 0, 0.001, 0.01, 0.03)


def is_at_rest(person: Person) -> bool:
    """Whether somebody is in the room and nothing of a file is to come any more."""
    if person.chat is None or person.ui.session.state is not ClientState.IN_ROOM:  # type: ignore[union-attr]
        return False
    return all(one.state not in (TransferState.ACCEPTED, TransferState.RECEIVING) for one in transfers(person).all())


@pytest.mark.parametrize("seed", range(10))
async def test_what_is_accepted_in_a_hurry_comes_to_an_end(home: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unlike test_transfer_invariants.py, this does not wait for one command to take effect before it gives the next."""
    monkeypatch.setattr("plytalk.plugins.rooms.reconnecting.WAITS", (0.01, 0.1, 1))
    draw = random.Random(seed)
    async with Crowd(home, headless=True, transport=Tcp, host="127.0.0.1") as crowd:
        people = {name: await crowd.comes(name, into=folder_of(crowd, name), reconnect=True) for name in WHO}
        people["ann"].say(f"/send {written(home / 'a.bin', 9_000_000, seed=1)}")
        people["bob"].say(f"/send {written(home / 'b.bin', 5_000_000, seed=2)}")
        await reaches(people["cyd"].ui, "offered")
        for _ in range(40):
            person = people[draw.choice(RECEIVERS)]
            if person.chat and draw.random() < 0.15:
                cut(person)
            else:
                person.say(draw.choice(SAID))
            await asyncio.sleep(draw.choice(PAUSES))
        await until(lambda: all(map(is_at_rest, people.values())), lambda: states_in(people.values()))


def states_in(people: Iterable[Person]) -> str:
    return str([[(one.number, one.state) for one in transfers(person).all()] for person in people])
