"""The fuzzer behind the handshake repeats itself, and finds what it is to find."""

import random
import secrets
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from plytalk.plugins.messages.records import BUCKETS, Records
from tests.system.fuzz import conversation, deeds
from tests.system.fuzz.callers import Caller, Scene
from tests.system.resources.members import Stranger
from tests.system.resources.server import stack


def scene(seed: int) -> Scene:
    return Scene(0, [], stack("plytalk1"), seed, [Stranger(), Stranger()])


def drawn(seed: int, number: int) -> list[str]:
    caller = Caller(scene(seed), number)
    return [deeds.draw(caller.chance, False).__name__ for _ in range(50)] + [caller.instance]


def test_a_seed_and_a_number_do_the_same_again() -> None:
    assert drawn(7, 3) == drawn(7, 3)
    assert drawn(7, 3) != drawn(7, 4)
    assert drawn(7, 3) != drawn(8, 3)


def test_what_it_calls_a_record_is_one() -> None:
    chance = random.Random(1)
    for _ in range(50):
        plaintext = deeds.record(deeds.message(deeds.text(chance)))
        assert len(plaintext) in BUCKETS
        assert len(Records(True).unpack(plaintext)) == 1


def test_who_asked_for_a_room_may_hear_what_happens_there_from_then_on() -> None:
    caller = Caller(scene(1), 1)
    caller.began = 5.0
    caller.asks_for({"instance": "one", "room": "Kitchen"})
    assert {room for _, room in caller.scene.asked} == {"kitchen", "lobby"}
    assert {origin[1] for origin, _ in caller.scene.asked} == {"", "one"}


def test_half_a_minute_of_hostile_clients_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For longer: ./run python -m tests.system.fuzz.conversation --minutes 10. The seed is new each time, and in the message."""
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    seed = secrets.randbelow(2**32)
    scene = conversation.run(seconds=30, seed=seed)
    assert not scene.problems, f"seed {seed}: {dict(scene.problems)}; {scene.measured}"
    assert scene.happened["conversations"] > 50
