"""What conversations leave behind in a server that goes on: how much memory, and which of their keys."""

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from plytalk.core.endpoints.client import Client
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.core.registry.registry import Registry
from tests.system.resources.attacks import Amount, Row
from tests.system.resources.server import LOOPBACK, Server, serving, stack

AT_ONCE = 4
"""Conversations that run at one time."""
PROFILES = ("plytalk1", "secure-chat")
AFTER = 2.0
"""Seconds after the last conversation at which its keys must be gone."""

MAY_GROW = 1.10
"""How much larger a server may be after all conversations than after the first tenth of them."""
WORD = 8


@dataclass
class Keys:
    """A trace that asks for keys, and keeps nothing else."""

    secrets: bool = True
    kept: set[bytes] = field(default_factory=set)

    def __call__(self, event: TraceEvent) -> None:
        if event.layer == "keys":
            self.kept.add(event.data)

    def __bool__(self) -> bool:
        return True


def memory(amount: Amount) -> Iterator[Row]:
    """A44: conversations one after the other."""
    for profile in PROFILES:
        options = () if profile == "plytalk1" else ("--profile", profile)
        with serving("--headless", *options) as server:
            first, last, keys, found = asyncio.run(converse(server, profile, amount.conversations))
        yield Row(
            "A44",
            f"{amount.conversations:,} conversations with {profile}, each ended with a goodbye",
            f"{first / 2**20:.1f} MiB after a tenth of them, {last / 2**20:.1f} MiB after all; "
            f"{found:,} of {keys:,} keys found in the server's memory {AFTER:g} s later",
            f"at most {MAY_GROW:g} times as large; no key found",
            last <= MAY_GROW * first and not found,
        )


async def converse(server: Server, profile: str, count: int) -> tuple[int, int, int, int]:
    """Memory after a tenth of the conversations and after all; how many keys there were, and how many are still found."""
    keys = Keys()
    await several(server.port, profile, count // 10, Keys())
    first = server.memory
    await several(server.port, profile, count - count // 10, keys)
    await asyncio.sleep(AFTER)
    found = keys_in(server.process.pid, keys.kept)
    return first, server.memory, len(keys.kept), len(found)


async def several(port: int, profile: str, count: int, keys: Keys) -> None:
    """This many conversations with a server; all must get in."""
    ours = stack(profile)
    left = count

    async def one_after_the_other() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await Client(ours, Registry(points=[]).manager.hook, trace=keys).run(LOOPBACK, port)

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


def keys_in(pid: int, keys: set[bytes]) -> set[bytes]:
    """Which of these keys stand anywhere in the memory of a process that can be written (Linux)."""
    found: set[bytes] = set()
    wanted = {int.from_bytes(key[:WORD], sys.byteorder): key for key in keys}
    for data in writable(pid):
        for shift in range(WORD):  # as whole words, which is fast for any number of keys, and at every shift
            whole = memoryview(data)[shift : len(data) - (len(data) - shift) % WORD].cast("Q")
            found |= {wanted[word] for word in wanted.keys() & set(whole) if wanted[word] in data}
    return found


def writable(pid: int) -> Iterator[bytes]:
    """The memory that a process can write, region by region."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            boundaries, rights = line.split()[:2]
            if "w" not in rights:
                continue
            start, end = (int(boundary, 16) for boundary in boundaries.split("-"))
            data = bytearray()
            with contextlib.suppress(OSError):  # a region that is gone meanwhile, or a part of it
                memory.seek(start)
                while got := memory.read(end - start - len(data)):  # a read may give less than was asked for
                    data += got
            yield bytes(data)
