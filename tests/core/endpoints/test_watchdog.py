"""A layer that blocks is named with its line, while it blocks; nothing is said of waiting."""

import asyncio
import inspect
import sys
import threading
import time
from pathlib import Path
from types import FrameType

import programs
from strangers import server_with

from plytalk.core.endpoints.watchdog import SECONDS, Watchdog, files_of
from plytalk.plugins.transports.memory import Memory
from plytalk.testing import RecordingUi

BLOCKS = """
import sys
from plytalk import Command, Feature, hookimpl

def block(call):
    while sys.stdin.buffer.read(1) != b"x":
        pass
"""


class Mine(RecordingUi):
    """A layer that plytalk does not bring."""

    def spin_until(self, reported: threading.Event) -> None:
        while not reported.is_set():
            sum(range(100))


class Other(RecordingUi):
    """Another layer in the same file."""

    name = "other"

    @staticmethod
    def frame() -> FrameType:
        return sys._getframe()


async def test_the_line_that_blocks_is_named_once() -> None:
    said: list[str] = []
    reported = threading.Event()

    def say(sentence: str) -> None:
        said.append(sentence)
        reported.set()

    watch = Watchdog([Memory, Mine], say, second=0.01)
    watch.start()
    Mine().spin_until(reported)
    watch.stop()
    lines, first = inspect.getsourcelines(Mine.spin_until)
    places = [f"{__file__}:{first + number} of {__name__}" for number in range(1, len(lines))]
    assert any(
        said == [f"The ui `test-recording`, at {place}, has kept everybody waiting for {SECONDS} seconds. "
        "Let it await what it waits for, or run it in a thread: await asyncio.to_thread(...)."] for place in places
    )  # fmt: skip


class Rounds(threading.Event):
    """Is set after this many rounds of the watchdog, and says so to the loop."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._left, self._loop, self.over = count, asyncio.get_running_loop(), asyncio.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self._left -= 1
        if not self._left:
            self.set()
            self._loop.call_soon_threadsafe(self.over.set)
        return super().wait(timeout)


async def test_a_loop_that_waits_has_held_up_nobody() -> None:
    """Nothing in this file runs meanwhile, so nothing can be blamed, however busy the machine is."""
    said: list[str] = []
    watch = Watchdog([Mine], said.append, second=0.001)
    watch._over = rounds = Rounds(50)
    asyncio.get_running_loop().call_soon(watch.start)
    await rounds.over.wait()
    watch.stop()
    assert said == []


def test_layers_are_watched_whoever_brings_them() -> None:
    assert [*files_of([Memory, Mine]).values()] == [[Memory], [Mine]]


async def test_a_watchdog_that_was_never_started_can_be_stopped() -> None:
    """Where a server cannot listen, or its user gives no passphrase."""
    watch = Watchdog([Mine])
    watch.stop()
    assert not watch._thread.is_alive()


class RoundsOfNewCalls(Rounds):
    """Each round waits for another call, so that no call lasts longer than one, however busy the machine is."""

    calls = 0

    def wait(self, timeout: float | None = None) -> bool:
        before = self.calls
        while self.calls == before:
            time.sleep(0)
        return super().wait(timeout)


async def test_many_short_calls_are_no_call_that_blocks() -> None:
    said: list[str] = []
    watch = Watchdog([RecordingUi], said.append, second=0.001)
    watch._over = rounds = RoundsOfNewCalls(50)
    watch.start()
    while not rounds.is_set():
        RecordingUi()
        rounds.calls += 1
    watch.stop()
    assert said == []


async def test_of_two_layers_in_a_file_the_one_that_blocks_is_named() -> None:
    watch = Watchdog([Mine, Other])
    frame = Other.frame()
    assert watch._where(frame).startswith("The ui `other`, at ")


def test_a_server_says_which_command_blocks_it_and_goes_on_after_that(tmp_path: Path) -> None:
    with (
        server_with("block", BLOCKS, tmp_path) as (server, port),
        programs.connect(port, "--accept-new", environment=programs.home(tmp_path, "client")) as client,
    ):
        client.say("/block")
        line = BLOCKS.splitlines().index('    while sys.stdin.buffer.read(1) != b"x":') + 1
        said = server.tells("The feature `bad`, at ")
        assert f"feature_bad_feature_bad.py:{line} of plytalk-feature-bad 1.0, has kept everybody waiting" in said
        server.say("x")
        client.say("/who")
        client.tells(", SHA256:")
