"""`python -m benchmarks.bot_room`: the bot of examples/, unchanged, in a room of 1,000 members and through cuts.

The members are Python clients (`plytalk.connect`), 250 in a process. The bot is `examples/bot/bot.py` with
`--reconnect`, behind a proxy that cuts its connection while it is asked. One more member asks: each question has a number, and is
answered once and in order, except those that were asked during a cut, which the bot sees as replayed and leaves alone.
"""

import argparse
import asyncio
import contextlib
import os
import resource
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import plytalk

BOT = Path(__file__).resolve().parents[1] / "examples" / "bot" / "bot.py"
PER_KEY = 50
"""How many members with one key a server takes (`Limits.connections_per_key`)."""
PER_PROCESS = 250
AT_ONCE = 4
"""How many handshakes one process makes at a time: a server takes 20 from one address (`Limits.unauthenticated_per_address`)."""


class Proxy:
    """Passes bytes to a port of this machine, until it is told to cut."""

    def __init__(self, port: int) -> None:
        self._to, self.port = port, 0
        self._open: set[asyncio.StreamWriter] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        async with await asyncio.start_server(self._forward, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            try:
                yield self
            finally:
                self.cut()

    def cut(self) -> None:
        for one in self._open:
            one.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_connection("127.0.0.1", self._to)
        ways = {writer, onward}
        self._open |= ways
        with contextlib.suppress(OSError):
            await asyncio.gather(pump(reader, onward), pump(there, writer))
        self._open -= ways
        for one in ways:
            one.transport.abort()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()


class Asker:
    """The member that asks the bot, and counts what the bot says."""

    def __init__(self, chat: plytalk.Chat) -> None:
        self._chat = chat
        self.said: list[str] = []
        self._news = asyncio.Event()
        self._asked = 0

    async def listen(self) -> None:
        async for event in self._chat:
            if isinstance(event, plytalk.Message) and event.sender.name == "robby":
                self.said.append(event.text)
                self._news.set()

    async def until(self, text: str) -> str:
        """Wait until the bot has said this, or has said something that begins so and ends with a full stop."""
        while not (found := [said for said in self.said if said == text or (said.startswith(text) and said.endswith("."))]):
            self._news.clear()
            await self._news.wait()
        return found[0]

    async def ask(self) -> str:
        """Ask for an echo; the text of it."""
        self._asked += 1
        text = f"question {self._asked}"
        await self._chat.send(f"robby: {text}")
        return text

    async def who(self, count: int) -> None:
        """Have the bot list the members. Raises AssertionError where it does not name so many."""
        await self._chat.send("!who")
        listed = await self.until("Here: ")
        named = listed.removeprefix("Here: ").removesuffix(".").split(", ")
        assert len({*named}) == len(named) == count, f"{len(named)} members are listed"

    def check(self, asked: list[str]) -> None:
        """Raises AssertionError where one of these was not answered once, or what was answered is out of order."""
        echoes = [said for said in self.said if said.startswith("question ")]
        assert len({*echoes}) == len(echoes), "a question was answered twice"
        assert not (missing := {*asked} - {*echoes}), f"not answered: {missing}"
        assert echoes == sorted(echoes, key=lambda echo: int(echo.split()[1])), "the answers are out of order"

    async def back(self) -> None:
        """Ask until the bot answers again."""
        while True:
            text = await self.ask()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self.until(text)
                    return


async def members(address: str, peer: str, first: int, count: int, homes: str) -> None:
    """Be this many members of the room until standard input ends."""
    turn, there = asyncio.Semaphore(AT_ONCE), asyncio.Queue[int]()

    async def be(number: int) -> None:
        home = Path(homes, str(number // PER_KEY))
        await turn.acquire()
        async with plytalk.connect(address, peer=peer, name=f"member-{number}", home=home) as chat:
            async for event in chat:
                if isinstance(event, plytalk.You):
                    turn.release()
                    there.put_nowait(number)

    async with asyncio.TaskGroup() as all_of_them:
        tasks = [all_of_them.create_task(be(number)) for number in range(first, first + count)]
        for _ in tasks:
            await there.get()
        print("all are there", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()


async def start(*words: str, home: Path | None = None, quiet: bool = False) -> Process:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **({"PLYTALK_HOME": str(home)} if home else {})}
    return await asyncio.create_subprocess_exec(
        sys.executable, *words, stdin=PIPE, stdout=PIPE, stderr=DEVNULL if quiet else PIPE, env=environment
    )


async def end(*processes: Process) -> None:
    for one in processes:
        if one.returncode is None:
            one.terminate()
    await asyncio.gather(*(one.communicate() for one in processes))


async def serve(folder: Path, most: int) -> tuple[Process, int, str]:
    """A server, its port, and the fingerprint of its key."""
    options = ("--port", "0", "--keep", "--headless", "--members", str(most), "--rate", "0")
    server = await start("-m", "plytalk", "serve", *options, home=folder / "server")
    assert server.stderr
    told = ""
    while "--peer " not in told:
        told += (await server.stderr.readline()).decode()
    port = told.partition("Listening on ")[2].split()[0].rpartition(":")[2]
    return server, int(port), told.partition("--peer ")[2].split()[0]


async def trial(count: int, cuts: int, questions: int) -> str:
    """Run the bot in a room of `count` members, counting the bot and the member who asks it questions. Return a summary.

    Raises AssertionError if it did something wrong.
    """
    async with contextlib.AsyncExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory()))
        server, port, peer = await serve(folder, count)
        ends.push_async_callback(end, server)
        address, began = f"127.0.0.1:{port}", time.monotonic()
        others = count - 2
        parts = [(first, min(PER_PROCESS, others - first)) for first in range(0, others, PER_PROCESS)]
        homes = folder / "members"
        there = [
            await start("-m", "benchmarks.bot_room", "--be", address, peer, str(first), str(part), str(homes), quiet=True)
            for first, part in parts
        ]
        ends.push_async_callback(end, *there)
        for one in there:
            assert one.stdout
            assert await one.stdout.readline(), "a process of members has failed"
        filled = time.monotonic() - began
        proxy = await ends.enter_async_context(Proxy(port).running())
        asker = Asker(await ends.enter_async_context(plytalk.connect(address, peer=peer, name="alice", home=folder / "alice")))
        listening = asyncio.create_task(asker.listen())
        ends.callback(listening.cancel)
        bot = await start(
            str(BOT), "connect", f"127.0.0.1:{proxy.port}", "--peer", peer, "--name", "robby", "--reconnect",
            home=folder / "bot", quiet=True,
        )  # fmt: skip
        ends.push_async_callback(end, bot)
        await asker.back()
        asked, times = await ask(asker, proxy, cuts, questions)
        await asker.who(count)
        asker.check(asked)
    return (
        f"{count} members in {filled:.1f} s; {len(asked)} questions around {cuts} cuts, each answered once and in order, "
        f"after {1000 * sorted(times)[len(times) // 2]:.0f} ms at the median; !who named all"
    )


async def ask(asker: Asker, proxy: Proxy, cuts: int, questions: int) -> tuple[list[str], list[float]]:
    """Ask before each cut and after it; what was asked while the bot was there, and how long each answer took."""
    asked, times = [], []
    for number in range(cuts + 1):
        for _ in range(questions):
            began = time.monotonic()
            asked.append(await asker.ask())
            await asker.until(asked[-1])
            times.append(time.monotonic() - began)
        if number < cuts:
            proxy.cut()
            for _ in range(3):
                await asker.ask()
            await asker.back()
    return asked, times


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bot_room", description=__doc__)
    parser.add_argument("--members", type=int, default=1000, help="how many are in the room, with the bot (%(default)s)")
    parser.add_argument("--cuts", type=int, default=5, help="how often the bot's connection is cut (%(default)s)")
    parser.add_argument("--questions", type=int, default=20, help="how many before each cut and after the last (%(default)s)")
    parser.add_argument("--be", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.be:
        address, peer, first, count, homes = given.be
        await members(address, peer, int(first), int(count), homes)
    else:
        print(await trial(given.members, given.cuts, given.questions))


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(main())
