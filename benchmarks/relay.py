"""Bytes through `chat relay`, and through `socat` in its place, between the same two ends.

python -m benchmarks.relay [--rounds N] [--size MIB]

Both ends are plain streams in this process; another program carries the bytes between them. The two take turns.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from statistics import median

from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.plugins.transports.relay import RelayTransport
from plytalk.plugins.transports.tcp import Tcp

Ends = tuple[int, Stream, Stream]
"""The number of the process that carries the bytes, the sender and the receiver."""
HOST = "127.0.0.1"
PIECE = bytes(64 * 1024)
TICKS = os.sysconf("SC_CLK_TCK")
"""The clock ticks per second in which /proc counts."""


@asynccontextmanager
async def by_relay() -> AsyncIterator[Ends]:
    """Two ends that meet at a relay."""
    command = [sys.executable, "-m", "plytalk", "relay", "--listen", f"{HOST}:0", "--name", HOST]
    async with started(command, r"Relaying at \S+:(\d+)") as (process, port):
        holder, joiner = RelayTransport(relay_number=True), RelayTransport()
        await holder.ready(Role.RESPONDER, str)
        listener = await holder.listen(f"{HOST}:{port}", 0)
        yield process, *await both(listener, joiner.connect(listener.address, 0))
        await listener.close()


@asynccontextmanager
async def by_socat() -> AsyncIterator[Ends]:
    """Two ends with socat between them, which carries blocks of 64 KiB."""
    tcp = Tcp()
    listener = await tcp.listen(HOST, 0)
    command = ["socat", "-d", "-d", "-b", "65536", f"TCP-LISTEN:0,bind={HOST}", f"TCP:{listener.address}"]
    async with started(command, r"listening on .*:(\d+)") as (process, port):
        yield process, *await both(listener, tcp.connect(HOST, port))
        await listener.close()


@asynccontextmanager
async def started(command: Sequence[str], says: str) -> AsyncIterator[tuple[int, int]]:
    """A program that says on standard error where it listens: its process, and the port."""
    program = await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE)
    assert program.stderr
    try:
        while not (found := re.search(says, (line := await program.stderr.readline()).decode())):
            if not line:
                raise RuntimeError(f"{command[0]} says nowhere that it listens.")
        yield program.pid, int(found[1])
    finally:
        if program.returncode is None:
            program.terminate()
        await program.wait()


async def both(listener: Listener, connecting: Awaitable[Stream]) -> tuple[Stream, Stream]:
    accepted = asyncio.ensure_future(listener.accept())
    return await connecting, await accepted


async def carried(by: Callable[[], AbstractAsyncContextManager[Ends]], size: int) -> tuple[float, float]:
    """Bytes a second, and the share of that time for which what carries them used a processor."""
    async with by() as (process, sender, receiver):
        done, left = asyncio.Event(), size

        def receive(data: Buffer) -> None:
            nonlocal left
            left -= len(data)
            if left <= 0:
                done.set()

        receiver.deliver_to(receive, lambda error: done.set())
        sender.deliver_to(lambda data: None, lambda error: done.set())
        before, began = used(process), time.perf_counter()
        for _ in range(size // len(PIECE)):
            sender.send(PIECE)
            if sender.full:
                await sender.drained()
        await done.wait()
        took = time.perf_counter() - began
        busy = (used(process) - before) / took
        sender.close()
        receiver.close()
    if left > 0:
        raise RuntimeError(f"{left:,} bytes did not arrive.")
    return size / took, busy


def used(process: int) -> float:
    """The processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / TICKS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=512, help="MiB to carry")
    given = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {"chat relay": [], "socat": []}
    for _ in range(given.rounds):
        for (name, figures), by in zip(found.items(), (by_relay, by_socat), strict=True):
            figures.append(asyncio.run(carried(by, given.size << 20)))
            print(f"{name}: {figures[-1][0] / 2**20:,.0f} MiB a second, {figures[-1][1]:.0%} busy", file=sys.stderr)
    ratios = [ours[0] / theirs[0] for ours, theirs in zip(*found.values(), strict=True)]
    print(f"chat relay carries {median(ratios):.2f} times as many bytes a second as socat (goal 0.8).")


if __name__ == "__main__":
    main()
