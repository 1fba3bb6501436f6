"""A real `chat serve --keep` in its own process, and honest peers that measure how it treats them."""

import asyncio
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.client import Client
from plytalk.core.pipeline.connection import Connection
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose_named
from plytalk.testing import RecordingUi

ROOT = Path(__file__).resolve().parents[3]
LOOPBACK = "127.0.0.1"
LISTENING = re.compile(r"Listening on \S+:(\d+) ")
"""A line, or the event that has it."""


class Server:
    """A running server: its process, its port, and the last lines it told."""

    def __init__(self, process: "subprocess.Popen[bytes]", home: Path, heard: Callable[[str], None]) -> None:
        self.process, self.home, self.port, self._heard = process, home, 0, heard
        self.told: deque[str] = deque(maxlen=50)
        self.heard: deque[str] = deque(maxlen=50)
        self._ready = threading.Event()
        for stream, lines in ((process.stdout, self.heard), (process.stderr, self.told)):
            threading.Thread(target=self._read, args=(stream, lines), daemon=True).start()

    def _read(self, stream: Any, lines: deque[str]) -> None:
        for line in stream:
            lines.append(line.decode(errors="replace").rstrip("\n"))
            self._heard(lines[-1])
            if not self.port and (listening := LISTENING.search(lines[-1])):
                self.port = int(listening[1])
                self._ready.set()
        self._ready.set()

    def wait(self) -> None:
        """Until it listens. Raises AssertionError."""
        assert self._ready.wait(30), "the server does not start"
        assert self.port, f"the server has ended: {list(self.told)}"

    @property
    def memory(self) -> int:
        """What it holds in memory now, in bytes (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))

    @property
    def cpu(self) -> float:
        """Processor time it has used so far, in seconds, by its CPU clock (clock_getcpuclockid)."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def type(self, text: str) -> None:
        """A line at the server."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps({"type": "message", "text": text}).encode() + b"\n")
            self.process.stdin.flush()

    @property
    def lives(self) -> bool:
        return self.process.poll() is None


@contextlib.contextmanager
def serving(
    *options: str, program: Sequence[str] = ("-m", "plytalk"), heard: Callable[[str], None] = lambda line: None
) -> Iterator[Server]:
    """`chat serve --keep` on a free port of this machine, with its own home, until the block ends.

    `heard` gets each line that it writes, in another thread.
    """
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "PLYTALK_HOME": home, "HOME": home, "PYTHONPATH": str(ROOT)}
        words = [sys.executable, *program, "serve", "--keep", "--port", "0", "--ui", "jsonl", *options]
        pipe = subprocess.PIPE
        process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd=ROOT)
        server = Server(process, Path(home), heard)
        try:
            server.wait()
            yield server
        finally:
            process.kill()
            with contextlib.suppress(OSError):
                process.communicate(timeout=10)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        return int(listener.getsockname()[1])


def measures(port: int) -> dict[str, float]:
    """What `--metrics` says at this port of this machine, without what has labels. Raises OSError."""
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.partition(" ") for line in lines if not line.startswith("#"))}


def stack(profile: str, ui: "type[Brief] | None" = None) -> Stack:
    """The stack of an honest peer, who lets any key of the server pass."""
    registry = Registry()
    return Stack.build({**choose_named(registry.profile(profile).layers, registry.layer), "auth": [], "ui": [ui or Brief]})


class Brief(RecordingUi):
    """Says hello, and goes."""

    async def run(self, session: Any) -> None:
        session.say("hello")
        await session.drain()
        session.exit()


class Asking(Brief):
    """Asks who is here, hears the answer, and goes."""

    async def run(self, session: Any) -> None:
        session.say("/who")
        async with asyncio.timeout(10):
            await self.until(messages=1)
        session.exit()


class Honest:
    """An honest peer with one key, for as many conversations as it likes; `turned_away` counts those it had to begin again."""

    def __init__(self, port: int, profile: str = "plytalk1", ui: type[Brief] = Brief) -> None:
        self.port, self.stack = port, stack(profile, ui)
        self.turned_away = 0

    async def once(self) -> None:
        """One conversation, or the attempt. Raises ChatError, TimeoutError."""
        async with asyncio.timeout(20):
            await Client(self.stack, Registry(points=[]).manager.hook).run(LOOPBACK, self.port)

    async def conversation(self) -> float:
        """Seconds from the call to the end of a short conversation, whatever is in between. Raises TimeoutError after 20."""
        begun = perf_counter()
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(Exception):
                    if (await Client(self.stack, Registry(points=[]).manager.hook).run(LOOPBACK, self.port)).error is None:
                        return perf_counter() - begun
                self.turned_away += 1
                await asyncio.sleep(0.01)

    async def handshake(self) -> float:
        """Seconds for a connection and its handshake."""
        begun = perf_counter()
        session = await self.opened()
        session.stream.close()
        return perf_counter() - begun

    async def opened(self) -> DirectChat:
        """A conversation that has just begun, for a test that wants to misbehave in it."""
        await prepare(self.stack.handshake, Role.INITIATOR, lambda prompt: "")
        session = DirectChat(Connection(self.stack, await self.stack.transport.connect(LOOPBACK, self.port), Role.INITIATOR))
        await session.open()
        return session
