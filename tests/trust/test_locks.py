"""Locks on open files. What ends and releases them in real processes is tested with the files they guard (test_files.py)."""

from pathlib import Path

from plytalk.trust.locks import acquire, release


def test_one_holds_a_lock_and_gives_it_back(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as ours, path.open("w") as theirs:
        assert acquire(ours.fileno(), 0)
        assert not acquire(theirs.fileno(), 0.05)
        release(ours.fileno())
        assert acquire(theirs.fileno(), 0)
