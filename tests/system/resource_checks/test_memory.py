"""What conversations leave behind in a real server: no keys, and no memory.

`python -m tests.system.resources memory` holds forty thousand.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.system.resources import memory
from tests.system.resources.attacks import SHORT

pytestmark = pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="reads memory by /proc, as Linux has it")


@pytest.mark.parametrize(("profile", "keys"), [("plytalk1", 720), ("secure-chat", 360)])
def test_keys_and_memory_of_ended_conversations_are_gone(
    profile: str, keys: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    monkeypatch.setattr(memory, "PROFILES", (profile,))
    (row,) = memory.memory(replace(SHORT, conversations=400))
    assert f" of {keys} keys" in row.measured
    assert row.held, row


def test_the_search_finds_a_key_at_any_shift() -> None:
    keys = {os.urandom(32) for _ in range(9)}
    kept = [bytearray(shift) + key for shift, key in enumerate(sorted(keys))]
    assert memory.keys_in(os.getpid(), keys) == keys
    assert kept
