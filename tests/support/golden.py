"""Which functions one typed line enters, in order: recorded in tests/system/path/, and compared by a test.

./run python tests/support/golden.py        writes the transcripts again: look at what changed
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from crowd import Crowd

from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose_named
from plytalk.testing import open_ends
from plytalk.testing.parts import Nowhere, RecordingUi

FOLDER = Path(__file__).resolve().parents[1] / "system" / "path"
PACKAGE = os.sep + os.path.join("src", "plytalk") + os.sep
IO = os.path.join("core", "io", "")
NOT_THE_PATH = ("testing", IO + "event_lines", IO + "memory_stream")
"""What replaces a screen, writes the lines of an event, or replaces a network: not part of the path."""
CHECKS = "event_checks.py"
"""What looks at events while tests run, in the middle of the path."""


@contextmanager
def recorded() -> Iterator[list[str]]:
    """The functions of plytalk that are entered in the block, as FILE FUNCTION. Comprehensions count as part of theirs."""
    calls: list[str] = []

    def enter(frame: FrameType, event: str, _: Any) -> None:
        name = frame.f_code.co_qualname
        if frame.f_back is not None and frame.f_back.f_code.co_filename.endswith(CHECKS):
            return
        _, inside, file = frame.f_code.co_filename.partition(PACKAGE)
        if event == "call" and inside and "<" not in name.rpartition(".")[2] and not file.startswith(NOT_THE_PATH):
            calls.append(f"{Path(file).as_posix()} {name}")

    sys.setprofile(enter)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def stack_of(profile: str) -> Stack:
    registry = Registry()
    classes = choose_named(registry.profile(profile).layers, registry.layer)
    classes = {kind: layers for kind, layers in classes.items() if kind != "feature"}
    return Stack.build({**classes, "transport": [Nowhere], "ui": [RecordingUi]}, {})


async def of_two(profile: str) -> list[str]:
    """From what one person types to what the other one's screen gets, without rooms."""
    async with open_ends(stack_of(profile), stack_of(profile)) as (client, server):
        client.say("the first line, which makes what is made once")
        await server.hears(1)
        await settled()
        with recorded() as calls:
            client.say("hello")
            while len(server.ui.messages) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0)
    return calls


async def of_a_room() -> list[str]:
    """From one member through the server to the other member's screen."""
    with tempfile.TemporaryDirectory() as home:
        before = os.environ.get("PLYTALK_HOME")
        os.environ["PLYTALK_HOME"] = home
        try:
            async with Crowd(Path(home), headless=True) as crowd:
                alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
                alice.say("the first line, which makes what is made once")
                await bob.shows("the first line")
                await settled()
                shown = len(bob.ui.messages)
                with recorded() as calls:
                    alice.say("hello")
                    while len(bob.ui.messages) == shown:  # noqa: ASYNC110
                        await asyncio.sleep(0)
        finally:
            os.environ.pop("PLYTALK_HOME") if before is None else os.environ.update(PLYTALK_HOME=before)
    return calls


async def settled() -> None:
    """Let everything happen that is under way."""
    for _ in range(50):
        await asyncio.sleep(0)


PATHS = {"demo02": lambda: of_two("demo02"), "room": of_a_room}


def main() -> None:
    for name, walk in PATHS.items():
        calls = asyncio.run(walk())
        (FOLDER / f"{name}.txt").write_text("".join(f"{call}\n" for call in calls))
        print(f"{name}: {len(calls)} calls in {len({call.split()[0] for call in calls})} files")


if __name__ == "__main__":
    main()
