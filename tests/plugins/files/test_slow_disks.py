"""A disk that takes long holds up the file, and never the lines beside it."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from crowd import Crowd
from offering import folder_of, reaches, written
from transferring import tree_of

from plytalk.testing.verdict import within

HUNG = 20.0
"""After how long a call of the system that holds up the whole program goes on, in seconds: the test fails then."""


@contextmanager
def slow(patch: pytest.MonkeyPatch, call: str) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Calls of the system that take until the second event is set; the first one says that there was one."""
    begun, go_on, real = threading.Event(), threading.Event(), getattr(os, call)

    def wait(*args: Any, **names: Any) -> Any:
        begun.set()
        assert go_on.wait(HUNG), "the call held up the program"
        return real(*args, **names)

    patch.setattr(os, call, wait)
    yield begun, go_on
    go_on.set()


async def happens(event: threading.Event) -> None:
    """Wait until a thread has set it."""

    async def come() -> None:
        while not event.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    await within(come(), "Nothing is done on the disk.")


@pytest.mark.parametrize("call", ["write", "preadv", "fchmod"])
async def test_lines_go_both_ways_while_the_disk_is_slow(home: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Each is a call of the reader or of the writer."""
    photos = home / "photos"
    photos.mkdir()
    written(photos / "a", 1_000_000)
    for number in range(20):
        (photos / f"empty {number}").touch()
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        bob = await crowd.comes("bob", into=folder)
        crowd.local_member.say(f"/send {photos}")
        await reaches(bob.ui, "offered")
        with slow(monkeypatch, call) as (begun, go_on):
            bob.say("/accept")
            await happens(begun)
            crowd.local_member.say("are you there?")
            await bob.shows("are you there?")
            bob.say("I am.")
            await crowd.ui.shows("bob: I am.")
            go_on.set()
            await reaches(bob.ui, "done")
        assert tree_of(folder / "photos") == tree_of(photos)


async def test_lines_go_on_while_what_has_come_is_removed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        bob = await crowd.comes("bob", into=folder, yes=True)
        with slow(monkeypatch, "write") as (begun, _):
            crowd.local_member.say(f"/send {written(home / 'x', 1_000_000)}")
            await happens(begun)
            with slow(monkeypatch, "unlink") as (removing, _):
                bob.say("/cancel")
                await reaches(crowd.ui, "sending")
                crowd.local_member.say("never mind")
                await bob.shows("never mind")
                assert not removing.is_set()
        await reaches(bob.ui, "cancelled")
        assert not list(folder.iterdir())
