"""A fuzzer behind the handshake: hostile clients that have got in, against a real server.

    ./run python -m tests.system.fuzz.conversation --minutes 10

`--connections 200000` counts in another way; `--seed N` repeats a run. Run it in the project's folder.

Clients with several identities, and guests of the three other profiles, send whatever they can seal: items of every type and
shape, joins and resumes in any order, commands, far too much of each, half frames; they leave answers unread and break off
anywhere. Meanwhile and afterwards a server must keep what it promises:

- it lives, and no layer of it raises what its contract does not allow;
- nobody hears what happened in a room before asking to come in there, and what it sends can be read;
- there are never more members than conversations, and neither when all are gone;
- it holds no more memory than its limits allow (docs/reference/limits.md), and when all are gone, only what its rooms keep;
- when all are gone, it answers an honest client within 250 ms.
"""

import argparse
import asyncio
import contextlib
import re
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from plytalk.core.endpoints.endpoint import stop
from plytalk.plugins.rooms.budget import UNFINISHED
from plytalk.plugins.rooms.room_list import MAX_LOGS
from tests.system.fuzz.callers import Scene, call
from tests.system.resources.members import Stranger
from tests.system.resources.server import LOOPBACK, Honest, Server, free_port, measures, serving, stack

MIB = 1024 * 1024
AT_ONCE = 16
"""How many conversations there are at a time."""
PEOPLE = 8
"""How many identities come again and again; others come once."""
GUESTS = ("demo01", "demo02", "secure-chat")
EACH = 4 * MIB
"""What one conversation may take: a record opened into its items, what it has not read, and what the system does not take yet."""
ALLOCATOR = 48 * MIB
"""What the allocator has not given back when all are gone, and what is remembered of members and names (returning.REMEMBERED)."""
MOST = MAX_LOGS + UNFINISHED + AT_ONCE * EACH
"""By how much a server may grow in all: by the logs of its rooms, by unfinished messages, and by its conversations."""
LEFT = MAX_LOGS + ALLOCATOR
"""By how much it may have grown when all are gone."""
ANSWER = 0.25
TRIES, GONE_WITHIN = 20, 30.0
FAULT = re.compile(r"Traceback|\b\w+(?:Error|Exception)\b")


@dataclass
class Watch:
    """What is read from the server every quarter of a second."""

    server: Server
    port: int
    scene: Scene
    most: int = 0

    async def run(self) -> None:
        while self.server.lives:
            self.most = max(self.most, self.server.memory)
            members, sessions = await self.figures()
            if members > sessions:
                self.scene.found("there were more members than conversations")
            await asyncio.sleep(0.25)

    async def figures(self) -> tuple[int, int]:
        """How many members and how many conversations there are; zeros if the server takes too long to answer."""
        found: dict[str, float] = {}
        with contextlib.suppress(OSError):
            found = await asyncio.to_thread(measures, self.port)
        return int(found.get("plytalk_members", 0)), int(found.get("plytalk_sessions_open", 0))

    async def empty(self) -> tuple[int, int]:
        """The figures once nobody is left, or at the end of our patience."""
        end = time.monotonic() + GONE_WITHIN
        while (figures := await self.figures()) != (0, 0) and time.monotonic() < end:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
        return figures


class Progress:
    """How far a run is, by the time and by the connections it may take."""

    def __init__(self, server: Server, seconds: float, connections: int) -> None:
        self._server, self._seconds, self._connections = server, seconds, connections
        self._begun = time.monotonic()
        self.fresh = server.memory

    def goes_on(self, number: int) -> bool:
        done = (time.monotonic() - self._begun) / self._seconds
        if self._connections:
            done = max(done, number / self._connections)
        return done < 1 and self._server.lives


async def fuzz(server: Server, scene: Scene, metrics: int, seconds: float, connections: int) -> None:
    """Have all conversations, and judge the server; what was found is in the scene."""
    watch, progress = Watch(server, metrics, scene), Progress(server, seconds, connections)
    watching = asyncio.create_task(watch.run())
    try:
        scene.happened["connections"] = await call(scene, AT_ONCE, progress.goes_on)
        if not server.lives:
            scene.found(f"the server has ended: {list(server.told)[-3:]}")
            return
        members, sessions = await watch.empty()
        if members or sessions:
            scene.found(f"when all were gone, there were still members ({members}) or conversations ({sessions})")
        left, most, took = server.memory - progress.fresh, watch.most - progress.fresh, await quickest(server.port)
        scene.measured = (
            f"memory {progress.fresh // MIB} MiB at the start, {watch.most // MIB} at most, {left / MIB:+.0f} when all are gone; "
            f"afterwards an honest conversation takes {took * 1000:.0f} ms"
        )
        if most > MOST:
            scene.found(f"the server grew by {most // MIB} MiB, more than {MOST // MIB}")
        if left > LEFT:
            scene.found(f"when all were gone, the server still held {left // MIB} MiB more than at the start, over {LEFT // MIB}")
        if took > ANSWER:
            scene.found(f"afterwards an honest conversation took {took * 1000:.0f} ms at best")
    finally:
        await stop(watching)


async def quickest(port: int) -> float:
    """The shortest time of some honest conversations: others are at work on this machine as well."""
    honest = Honest(port)
    return min([await honest.conversation() for _ in range(TRIES)])


def run(seconds: float, connections: int = 0, seed: int = 0) -> Scene:
    """A whole run, with its own server."""
    people = [Stranger() for _ in range(PEOPLE)]
    operator = people[0].identity
    assert operator
    guests = ",".join(f"{name}:{free_port()}" for name in GUESTS)
    metrics = free_port()
    options = ("--headless", "--guests", guests, "--metrics", f"{LOOPBACK}:{metrics}", "--operator", operator.fingerprint)
    faults: set[str] = set()

    def heard(line: str) -> None:
        if FAULT.search(line):
            faults.add(line.partition(": ")[2])  # without the address

    with serving(*options, heard=heard) as server:
        ports = [int(one.rpartition(":")[2]) for one in guests.split(",")]
        strangers = [(port, stack(name)) for port, name in zip(ports, GUESTS, strict=True)]
        scene = Scene(server.port, strangers, stack("plytalk1"), seed, people)
        asyncio.run(fuzz(server, scene, metrics, seconds, connections))
        for fault in sorted(faults):
            scene.found(f"the server told of a fault in its own code: {fault}")
        return scene


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.system.fuzz.conversation", description="Fuzz a server behind the handshake."
    )
    parser.add_argument("--minutes", type=float, default=1.0, metavar="N", help="how long at most (default 1)")
    parser.add_argument("--connections", type=int, default=0, metavar="N", help="how many connections at most (default: any)")
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="do the same as an earlier run")
    chosen = parser.parse_args(arguments)
    seed = secrets.randbelow(2**32) if chosen.seed is None else chosen.seed
    print(f"seed {seed}", flush=True)
    begun = time.monotonic()
    scene = run(chosen.minutes * 60, chosen.connections, seed)
    done = ", ".join(f"{count:,} {name}" for name, count in scene.happened.most_common())
    print(f"{time.monotonic() - begun:.0f} s: {done}; {scene.measured}.")
    for problem, count in scene.problems.most_common():
        print(f"PROBLEM, {count:,} times: {problem}", file=sys.stderr)
    return int(bool(scene.problems))


if __name__ == "__main__":
    sys.exit(main())
