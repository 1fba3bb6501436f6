"""How long honest newcomers wait while some addresses flood a server with handshakes that they never finish."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from time import monotonic, perf_counter

from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.pipeline.connection import Connection
from plytalk.plugins.sockets.tcp_sockets import TcpStream
from tests.system.resources.attacks import Amount, Row, ms
from tests.system.resources.server import LOOPBACK, ROOT, Server, serving, stack

ADDRESSES = 6
HELD = {"few": 25, "many": 500}
"""How many connections each of them has open: a few more than have places in the handshake, and a crowd."""
PAUSE = 0.05
"""Seconds between two newcomers."""
PATIENCE = 20.0
WARM_UP = 1.0
"""Seconds of the flood that are not measured: its programs start, and penalties begin."""
MAY_DELAY = 0.1


@dataclass
class Measured:
    """Seconds: of undisturbed handshakes, and of those beside the flood; shares of one processor; connections a second."""

    alone: list[float]
    beside: list[float]
    failed: int
    server: float
    flooders: float
    rate: float
    answered: float

    @property
    def delays(self) -> list[float]:
        """How much longer than an undisturbed one each handshake beside the flood took, shortest first."""
        return sorted(max(0.0, taken - median(self.alone)) for taken in self.beside)


def at(delays: list[float], share: float) -> float:
    return delays[min(len(delays) - 1, int(len(delays) * share))]


class Newcomers:
    """Honest clients, each from an address that the server has not seen."""

    def __init__(self, port: int) -> None:
        self._port, self._stack, self._number = port, stack("plytalk1"), 0
        self.failed = 0

    async def handshake(self) -> float:
        """Seconds from the connect to the end of the handshake, however often it has to be tried."""
        self._number += 1
        begun = perf_counter()
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(Exception):
                    await self._try()
                    return perf_counter() - begun
                self.failed += 1
                await asyncio.sleep(0.01)

    async def _try(self) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        sock.bind((f"127.0.{1 + self._number // 250}.{1 + self._number % 250}", 0))
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, (LOOPBACK, self._port))
        _, stream = await loop.create_connection(lambda: TcpStream(name=f"{LOOPBACK}:{self._port}"), sock=sock)
        session = DirectChat(Connection(self._stack, stream, Role.INITIATOR))
        try:
            await session.open()
        finally:
            stream.close()

    async def several(self, seconds: float) -> list[float]:
        taken: list[float] = []
        end = monotonic() + seconds
        while monotonic() < end:
            taken.append(await self.handshake())
            await asyncio.sleep(PAUSE)
        return taken


def flooders(port: int, seconds: float, held: int) -> "list[subprocess.Popen[bytes]]":
    """Programs that flood the server, with what the server and the newcomers leave of the processors."""
    words = [sys.executable, "-m", "tests.system.resources.replay_flood"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return [
        subprocess.Popen(
            [*words, f"127.0.0.{2 + n}", str(port), str(seconds), str(held)], stdout=subprocess.PIPE, cwd=ROOT, env=environment
        )
        for n in range(ADDRESSES)
    ]


async def measure(server: Server, seconds: float, held: int) -> Measured:
    newcomers = Newcomers(server.port)
    await prepare(newcomers._stack.handshake, Role.INITIATOR, lambda prompt: "")
    await newcomers.handshake()
    alone = await newcomers.several(seconds / 2)
    running = flooders(server.port, seconds + WARM_UP + 1, held)
    await asyncio.sleep(WARM_UP)
    cpu, begun, newcomers.failed = server.cpu, monotonic(), 0
    beside = await newcomers.several(seconds)
    used = (server.cpu - cpu) / (monotonic() - begun)
    told = [json.loads((await asyncio.to_thread(one.communicate))[0]) for one in running]
    share, rate, answered = (sum(one[what] / one["seconds"] for one in told) for what in ("cpu", "opened", "answered"))
    return Measured(alone, beside, newcomers.failed, used, share, rate, answered)


def newcomers(amount: Amount) -> Iterator[Row]:
    """A47: one constant message A, replayed from six addresses."""
    for name, held in HELD.items():
        with serving("--headless", program=("-m", "tests.system.resources.strict")) as server:
            found = asyncio.run(measure(server, amount.seconds, held))
            lives = server.lives
        delays = found.delays
        yield Row(
            "A47",
            f"{ADDRESSES} addresses replay one message A at full speed over {name} connections each, {held}",
            f"{found.rate:,.0f} connections a second in all, {found.answered:,.0f} of them answered; {len(delays)} newcomers, "
            f"each from its own address, waited {ms(median(delays))} in the median, p95 {ms(at(delays, 0.95))}, at most "
            f"{ms(delays[-1])} longer than alone (there {ms(median(found.alone))}, at most {ms(max(found.alone))}), "
            f"{found.failed} tries in vain; the server used {found.server:.0%} of a processor, the flooders "
            f"{found.flooders:.0%} (of {os.cpu_count()}, load {os.getloadavg()[0]:.1f})",
            "at most 100 ms longer",
            lives and not found.failed,
            delays[-1] <= MAY_DELAY,
        )
