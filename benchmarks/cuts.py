"""`python -m benchmarks.cuts`: one file by `chat send` and `chat receive`, with cuts of the connection and kills of either side.

Between them is a proxy that counts what goes to the receiver and cuts the connection after a random number of bytes. A kill is
SIGKILL; the side that was killed is started again with the same words. What was sent twice is what came through the proxy less
what the receiver was farther when it went on; the handshakes and the records' heads are in it.
"""

import argparse
import asyncio
import contextlib
import filecmp
import itertools
import json
import os
import random
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

MIB = 1 << 20
READ = 1 << 16


class Trial:
    """One file, from its first byte to its last.

    `came` is how many bytes have gone through the proxy since the last cut, `before` how many came in the part before it.
    """

    def __init__(self, folder: Path, size: int, cuts: int, kills: int, seed: int) -> None:
        self.folder, self.size = folder, size
        self.chance = random.Random(seed)
        self.left = ["cut"] * cuts + ["kill"] * kills
        self.chance.shuffle(self.left)
        self.step = size / (len(self.left) + 1)
        self.victims = itertools.cycle(["receiver", "sender"])
        self.came, self.before, self.at, self.limit = 0, 0, 0, 0.0
        self.twice: list[int] = []
        self.connections: set[asyncio.StreamWriter] = set()
        self.processes: dict[str, Process] = {}
        self.code, self.port, self.proxy = b"", 0, 0

    async def run(self) -> None:
        """Send it. Raises AssertionError where it is not the same at the end."""
        film = self.folder / "film"
        with film.open("wb") as file:
            for start in range(0, self.size, MIB):
                file.write(os.urandom(min(MIB, self.size - start)))
        async with await asyncio.start_server(self._forward, "127.0.0.1", 0) as server:
            self.proxy = server.sockets[0].getsockname()[1]
            await self._start_sender()
            while await self._receive():
                await self._start_receiver()
            await self.processes["sender"].wait()
        if not filecmp.cmp(film, self.folder / "receiver" / "film", shallow=False):
            raise AssertionError("what has arrived is another file")

    # -- the two sides ----------------------------------------------------------------------------------------------------

    async def _start(self, side: str, *words: str, typed: bytes = b"") -> Process:
        home = self.folder / side
        home.mkdir(exist_ok=True)
        environment = {**os.environ, "HOME": str(home), "PLYTALK_HOME": str(home)}
        process = self.processes[side] = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "plytalk", *words, cwd=home, env=environment, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
        assert process.stdin
        process.stdin.write(typed)
        process.stdin.close()
        return process

    async def _start_sender(self) -> None:
        process = await self._start("sender", "send", str(self.folder / "film"), "--port", str(self.port), "--quiet")
        assert process.stdout
        address = (await process.stdout.readline()).split()[-1]
        code = await process.stdout.readline()
        self.code = self.code or code  # a receiver that is started again has the first one
        self.port = int(address.rpartition(b":")[2] if b":" in address else self.port)

    async def _start_receiver(self) -> None:
        await self._start("receiver", "receive", f"127.0.0.1:{self.proxy}", "--yes", typed=self.code)

    async def _receive(self) -> bool:
        """Read what the receiver tells, until it ends; whether it has to be started again."""
        if "receiver" not in self.processes:
            return True
        stdout, before = self.processes["receiver"].stdout, ""
        assert stdout
        while line := await stdout.readline():
            event = json.loads(line)
            if event["state"] == "receiving" != before:
                self._goes_on(event["done"])
            before = event["state"]
        await self.processes["receiver"].wait()
        if before == "done":
            self.twice.append(self.came - (self.size - self.at))
        return before != "done"

    def _goes_on(self, at: int) -> None:
        if self.limit:
            self.twice.append(self.before - (at - self.at))
        self.at = at
        self.limit = self.chance.uniform(0.1, 1.9) * self.step if self.left else float("inf")

    # -- between them -----------------------------------------------------------------------------------------------------

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.close()
            return
        self.connections = {writer, back}
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(self._pass(reader, back, down=False), self._pass(there, writer, down=True))
        for one in (writer, back):
            one.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, down: bool) -> None:
        while data := await reader.read(READ):
            if down:
                self.came += len(data)
                if self.limit and self.came >= self.limit and self.left:
                    await self._interrupt()
                    return
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _interrupt(self) -> None:
        self.limit = float("inf")  # until the receiver goes on
        if self.left.pop() == "kill":
            victim = next(self.victims)
            self.processes[victim].kill()
            await self.processes[victim].wait()
            if victim == "sender":
                await self._start_sender()
        for one in self.connections:
            one.transport.abort()
        self.before, self.came = self.came, 0


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cuts", description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=10_240, help="how long the file is (%(default)s)")
    parser.add_argument("--cuts", type=int, default=1000, help="how often the connection is cut (%(default)s)")
    parser.add_argument("--kills", type=int, default=100, help="how often one of the two is killed (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where the files are: a disk, or memory (/dev/shm)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        trial, began = Trial(Path(folder), given.mebibytes * MIB, given.cuts, given.kills, given.seed), time.monotonic()
        asyncio.run(trial.run())
    took, twice = time.monotonic() - began, [round(one / 1024) for one in trial.twice]
    print(f"{given.mebibytes:,} MiB, {given.cuts} cuts and {given.kills} kills: the same file after {took:.0f} s")
    print(f"sent twice for each of {len(twice)} parts: {sum(twice) / len(twice):.0f} KiB on average, {max(twice)} KiB at most")


if __name__ == "__main__":
    main()
