"""A history checker: a real server, real clients, and a network that cuts, resets and stalls between them.

From the project's folder:  ./run python -m tests.system.rooms.history --minutes 10      (or --seconds 20, --no-history, --seed N)

Clients say numbered lines into several rooms at random times. Meanwhile their connections break at random bytes, clients are
killed and come again, and the server is told to end or killed and starts again. In each room a witness, whose connection breaks
only with the server's, says nothing. What each client said and showed is recorded, and in the end:

- nothing was shown twice, and all showed what they showed in the same order, with the same numbers;
- the lines of one client are in the order in which it said them;
- what was acknowledged (the sender's own event came back) was shown by every member that was there before and after it, and not
  away for more than a thousand events;
- every line that a client said which lives was shown by somebody, or the client said that it may not have arrived.

Without --history a server that restarts has forgotten all, so the third is left out.
"""

import argparse
import asyncio
import contextlib
import json
import random
import re
import secrets
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

from plytalk.plugins.rooms.room_list import KEEP

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))
from programs import COMMAND, ENVIRONMENT  # see above

ROOMS = ("kitchen", "garden")
TALKERS = 3
"""In each room, besides the witness."""
BREAKS = ("cut", "reset", "stall", "stall and cut", "cut one way")
DEEDS = ("kill a client", "kill the server", "end the server", "cut everybody")
ROUNDS, PATIENCE = 24, 5.0
"""How often all say a last line once nothing breaks any more, and how long all may take to show it, in seconds."""
SORRY = re.compile(r"our last (?:(\d+) lines|line) may not have arrived")


class Inspection:
    """Things in random order, each as often as the others: so each happens soon."""

    def __init__(self, chance: random.Random, things: tuple[str, ...]) -> None:
        self._chance, self._things, self._left = chance, things, list[str]()

    def deal(self) -> str:
        if not self._left:
            self._left = self._chance.sample(self._things, len(self._things))
        return self._left.pop()


class Network:
    """What stands between clients and the server: as many doors as are asked for, all to the server of the moment."""

    def __init__(self, chance: random.Random, happened: Counter[str]) -> None:
        self._chance, self._happened = chance, happened
        self._breaks = Inspection(chance, (*BREAKS, "nothing"))
        self.port = 0
        self.breaking, self.calm = True, False
        self._links: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []

    async def door(self, breaks: bool) -> int:
        """A port of this machine that leads to the server."""

        async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._links.add(task)
            try:
                await self._link(reader, writer, self._breaks.deal() if breaks and self.breaking else "nothing")
            except (OSError, asyncio.CancelledError):
                pass
            finally:
                self._links.discard(task)
                close(writer)

        server = await asyncio.start_server(enter, "127.0.0.1", 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def cut_all(self) -> None:
        for link in self._links:
            link.cancel()

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        self.cut_all()
        await asyncio.gather(*self._links, return_exceptions=True)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: str) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", self.port)
        # After few bytes or very many: half of them in the handshake, which has some thousand.
        left = [int(2 ** self._chance.uniform(4, 17))]
        ways = [asyncio.create_task(self._pass(*way, kind, left, (writer, outer))) for way in ((reader, outer), (inner, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED if kind != "cut one way" else asyncio.ALL_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            close(outer)

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        kind: str,
        left: list[int],
        both: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    ) -> None:
        while data := await reader.read(4096):
            if kind != "nothing" and self.breaking and not self.calm and 0 < left[0] <= len(data):
                head, data, left[0] = data[: left[0]], data[left[0] :], 0
                writer.write(head)
                await writer.drain()
                self._happened[kind] += 1
                if kind == "reset":
                    for one in both:
                        linger = b"\1\0\0\0\0\0\0\0"  # on, for no time: closing resets (socket(7), SO_LINGER)
                        one.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                if kind.startswith("stall"):
                    await asyncio.sleep(self._chance.uniform(0.2, 2.5))
                if kind != "stall":
                    break
            left[0] -= len(data)
            writer.write(data)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()


def close(writer: asyncio.StreamWriter) -> None:
    """Close a connection with what it still has to send, as a crash would."""
    if writer.transport.get_extra_info("socket").fileno() >= 0:
        writer.transport.abort()


@dataclass(eq=False)
class Life:
    """One process of a client: what it said, and what it showed as (number or 0, text), in order."""

    name: str
    room: str
    number: int
    process: asyncio.subprocess.Process
    said: list[str] = field(default_factory=list)
    shown: list[tuple[int, str]] = field(default_factory=list)
    own: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)
    killed: bool = False
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    def say(self, padding: str = "") -> None:
        line = f"{self.name}.{self.number}.{len(self.said) + 1}"
        self.said.append(line)
        order = json.dumps({"type": "message", "text": f"{line} {padding}".strip()})
        with contextlib.suppress(ConnectionError):
            self.process.stdin.write(order.encode() + b"\n")  # type: ignore[union-attr]

    @property
    def excused(self) -> int:
        """How many lines it said may not have arrived."""
        return sum(int(found[1] or 1) for line in self.told if (found := SORRY.search(line)))

    def __str__(self) -> str:
        return f"{self.name}.{self.number} in {self.room}"


class Check:
    """One run. `problems` is what was found, in sentences."""

    def __init__(self, seconds: float, seed: int, history: bool, folder: Path) -> None:
        self._seconds, self._folder, self._history = seconds, folder, history
        self._chance = random.Random(seed)
        self.happened: Counter[str] = Counter()
        self._network = Network(self._chance, self.happened)
        self.lives: list[Life] = []
        self.problems: list[str] = []
        self._news = asyncio.Event()
        self._server: asyncio.subprocess.Process | None = None
        self._server_told: list[str] = []

    async def run(self) -> None:
        doors = await self._network.door(True), await self._network.door(False)
        await self._start_server()
        await asyncio.gather(
            *(self._start(f"m{number}{room[0]}", room, doors[0]) for room in ROOMS for number in range(TALKERS)),
            *(self._start(f"witness{room[0]}", room, doors[1]) for room in ROOMS),
        )
        try:
            await self._break_things(doors[0])
            self._network.breaking = False
            self._network.cut_all()
            await self._settle()
        finally:
            await self._end()
        self._judge()

    # -- what happens -----------------------------------------------------------------------------------------------------

    async def _start_server(self) -> None:
        history = ("--history", str(self._folder / "history")) if self._history else ()
        self._server = await self._process("server", "serve", "--keep", "--ui", "none", "--port", "0", *history)
        assert self._server.stderr
        while line := (await self._server.stderr.readline()).decode():
            self._server_told.append(line.strip())
            if "Listening on " in line:
                self._network.port = int(line.partition(" with ")[0].rpartition(":")[2])
                self._drain = asyncio.create_task(self._read_notices(self._server, self._server_told))
                return
        raise AssertionError(f"The server did not start: {self._server_told}")

    async def _process(self, home: str, *arguments: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        environment = {**ENVIRONMENT, "PLYTALK_HOME": str(self._folder / home)}
        return await asyncio.create_subprocess_exec(
            *COMMAND, *arguments, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, limit=1 << 20
        )

    async def _start(self, name: str, room: str, port: int) -> Life:
        """Start a client, and wait until it is in its room for the first time: before, it may have good reasons to give up."""
        number = sum(life.name == name for life in self.lives) + 1
        while True:
            process = await self._process(
                name,
                "connect",
                f"127.0.0.1:{port}",
                "--ui",
                "jsonl",
                "--reconnect",
                "--accept-new",
                "--name",
                name,
                "--room",
                room,
            )
            life = Life(name, room, number, process)
            life.tasks = [asyncio.create_task(one) for one in (self._read(life), self._read_notices(process, life.told))]
            while not life.shown and process.returncode is None:
                self._news.clear()
                exits = asyncio.create_task(process.wait())
                news = asyncio.create_task(self._news.wait())
                await asyncio.wait((exits, news), return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
            if life.shown:
                self.lives.append(life)
                if not name.startswith("witness"):
                    life.tasks.append(asyncio.create_task(self._talk(life)))
                return life
            await asyncio.gather(*life.tasks)  # its first connection was cut in the handshake: that ends it, as it should

    async def _read(self, life: Life) -> None:
        assert life.process.stdout
        while line := await life.process.stdout.readline():
            with contextlib.suppress(ValueError):  # a killed process writes half a line
                said = json.loads(line)
                if said.get("room") and said["type"] != "you":
                    is_message = said["type"] == "message"
                    number = int(said["id"].rpartition("/")[2])
                    life.shown.append((number, said["text"].split(" ")[0] if is_message else ""))
                    if said["own"] and is_message:
                        life.own.add(life.shown[-1][1])
                elif said["type"] in ("notice", "error"):
                    life.told.append(said["text"])
                self._news.set()

    async def _read_notices(self, process: asyncio.subprocess.Process, told: list[str]) -> None:
        assert process.stderr
        while line := await process.stderr.readline():
            told.append(line.decode(errors="replace").rstrip())
            self._news.set()

    async def _talk(self, life: Life) -> None:
        while self._network.breaking and not life.killed and life.process.returncode is None:
            await asyncio.sleep(self._chance.uniform(0, 0.3))
            for _ in range(self._chance.choice((1, 1, 1, 5))):
                life.say("x" * int(2 ** self._chance.uniform(0, 12)) if self._chance.random() < 0.2 else "")

    async def _break_things(self, door: int) -> None:
        deeds: dict[str, Callable[[], Awaitable[None]]] = {
            "kill a client": lambda: self._kill_client(door),
            "kill the server": lambda: self._restart(signal.SIGKILL),
            "end the server": lambda: self._restart(signal.SIGTERM),
            "cut everybody": self._cut_everybody,
        }
        deck, until = Inspection(self._chance, DEEDS), time.monotonic() + self._seconds
        while time.monotonic() < until or any(not self.happened[kind] for kind in (*BREAKS, *DEEDS)):
            await asyncio.sleep(self._chance.uniform(0.2, 2))
            await deeds[deed := deck.deal()]()
            self.happened[deed] += 1

    async def _cut_everybody(self) -> None:
        self._network.cut_all()

    async def _kill_client(self, door: int) -> None:
        life = self._chance.choice([one for one in self.lives if not one.killed and not one.name.startswith("witness")])
        life.killed = True
        life.process.kill()
        await asyncio.gather(life.process.wait(), *life.tasks)
        await self._start(life.name, life.room, door)

    async def _restart(self, how: signal.Signals) -> None:
        """After a server's goodbye clients try for half a minute: meanwhile nothing breaks, or a busy machine takes longer."""
        assert self._server
        self._network.calm = how == signal.SIGTERM
        before = {life: len(life.shown) for life in self.lives if not life.killed}
        self._server.send_signal(how)
        await self._server.wait()
        await self._drain
        if self._server.returncode not in (0, -signal.SIGKILL):
            self.problems.append(f"The server ended with {self._server.returncode}: {self._server_told[-3:]}")
        await self._start_server()
        if self._network.calm:
            await self._all_are_back(before)
            self._network.calm = False

    async def _all_are_back(self, before: dict[Life, int]) -> None:
        """Wait until each client has shown something again, or has ended, which is found later."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ROUNDS * PATIENCE):
                while any(len(life.shown) == count and life.process.returncode is None for life, count in before.items()):
                    self._news.clear()
                    await self._news.wait()

    async def _settle(self) -> None:
        """Let everybody who lives say a last line, and wait until all have shown all of them."""
        living = [life for life in self.lives if not life.killed]
        await asyncio.gather(*(task for life in living for task in life.tasks[2:]))
        for _ in range(ROUNDS):  # again where need be: without a history who comes back late has missed what was said until then
            for life in living:
                if not life.name.startswith("witness"):
                    life.say()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    while any(self._waiting_for(life, living) for life in living):
                        self._news.clear()
                        await self._news.wait()
                    break
        for life in living:
            if life.process.returncode is not None:
                self.problems.append(f"{life} ended by itself; it told {life.told[-6:]}")
            elif missing := self._waiting_for(life, living):
                self.problems.append(f"{life} never showed the last lines {missing}; it told {life.told[-6:]}")

    @staticmethod
    def _waiting_for(life: Life, living: list[Life]) -> list[str]:
        """The last lines of the others."""
        if life.process.returncode is not None:
            return []
        seen = {text for _, text in life.shown}
        others = (other for other in living if other.room == life.room and other is not life and other.said)
        return [other.said[-1] for other in others if other.said[-1] not in seen]

    async def _end(self) -> None:
        processes = [life.process for life in self.lives] + ([self._server] if self._server else [])
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await asyncio.gather(*(process.wait() for process in processes))
        for life in self.lives:
            for task in life.tasks[2:]:
                task.cancel()
        await asyncio.gather(*(task for life in self.lives for task in life.tasks), self._drain, return_exceptions=True)
        await self._network.close()

    # -- what is found ----------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        for room in ROOMS:
            lives = [life for life in self.lives if life.room == room]
            self.problems += [f"In the {room}, {problem}" for problem in judge(lives, self._history)]
        for life in self.lives:
            if traces := [line for line in life.told if "Traceback" in line or "raised" in line]:
                self.problems.append(f"{life} told {traces}")
        self.problems += [f"The server told {line}" for line in self._server_told if "Traceback" in line or "raised" in line]


def judge(lives: list[Life], history: bool) -> Iterator[str]:
    """What is wrong with what the members of one room showed."""
    for life in lives:
        texts = [text for _, text in life.shown if text]
        yield from (f"{life} showed {text} {count} times." for text, count in Counter(texts).items() if count > 1)
        latest: dict[str, int] = {}
        for text in texts:
            sender, _, number = text.rpartition(".")
            if int(number) < latest.get(sender, 0):
                yield f"{life} showed {text} after {sender}.{latest[sender]}."
            latest[sender] = int(number)
    before: dict[str, set[str]] = {}
    for life in lives:
        texts = [text for _, text in life.shown if text]
        for earlier, later in pairwise(texts):
            before.setdefault(later, set()).add(earlier)
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        yield f"the order differs: {error.args[1]}."
    shown = {text for life in lives for _, text in life.shown}
    for life in lives:
        missing = [line for line in life.said if line not in shown]
        if not life.killed and len(missing) > life.excused:
            yield f"{life} said {missing}, which nobody showed; it excused itself for {life.excused}."
    if history:
        yield from judge_kept(lives)


def judge_kept(lives: list[Life]) -> Iterator[str]:
    """The same if the numbers continue over restarts: they say what each member should have shown."""
    numbers: dict[str, int] = {}
    for life in lives:
        numbered = [(number, text) for number, text in life.shown if number]
        if [number for number, _ in numbered] != sorted({number for number, _ in numbered}):
            yield f"{life} showed numbers that do not rise: {[number for number, _ in numbered]}."
        for number, text in numbered:
            if text and numbers.setdefault(text, number) != number:
                yield f"{life} showed {text} as {number}, others as {numbers[text]}."
    yield from (f"two lines have the number {one}." for one, count in Counter(numbers.values()).items() if count > 1)
    acknowledged = {line: numbers[line] for life in lives for line in life.own}
    for life in lives:
        there = [number for number, _ in life.shown if number]
        away = [(last, following) for last, following in pairwise(there) if following - last > KEEP]
        if sum("away too long" in line for line in life.told) > len(away):
            yield f"{life} was told that it was away too long, and was not."
        seen = {text for _, text in life.shown}
        for line, number in acknowledged.items():
            missing = there and there[0] < number < there[-1] and line not in seen
            if missing and not any(last < number < following for last, following in away):
                yield f"{life} never showed {line}, number {number}, which was acknowledged."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--no-history", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        check = Check(chosen.minutes * 60 + chosen.seconds or 20, chosen.seed, not chosen.no_history, Path(folder))
        asyncio.run(check.run())
    said, own = sum(len(life.said) for life in check.lives), sum(len(life.own) for life in check.lives)
    shown, excused = sum(len(life.shown) for life in check.lives), sum(life.excused for life in check.lives)
    print(f"{len(check.lives)} clients said {said} lines, {own} acknowledged, {excused} excused; {shown} shown.")
    print(", ".join(f"{kind}: {count}" for kind, count in sorted(check.happened.items())))
    for problem in check.problems[:20]:
        print(problem[:2000])
    if check.problems:
        print(f"{len(check.problems)} problems; again with --seed {chosen.seed}")
    return bool(check.problems)


if __name__ == "__main__":
    sys.exit(main())
