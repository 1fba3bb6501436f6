"""Two processes that talk to each other, and their place on the machine's cores."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent
CAN_PIN = hasattr(os, "sched_setaffinity") and Path("/proc/self/task").is_dir()
CORES = sorted(os.sched_getaffinity(0)) if CAN_PIN else []
APART, TOGETHER = (CORES[:2] * 2)[:2], CORES[:1] * 2


def cpu_seconds(pid: int) -> float:
    """User and system time of all the threads of a process so far, by its CPU clock (clock_getcpuclockid)."""
    return time.clock_gettime(~pid << 3 | 2)


class Process:
    """A program of this folder, spoken to by lines on its standard input and output."""

    def __init__(self, program: str, *arguments: str) -> None:
        self._name = f"benchmarks.{program}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._name, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        """What it says next. Raises RuntimeError where it has ended instead."""
        assert self._process.stdout
        if not (line := self._process.stdout.readline()):
            raise RuntimeError(f"{self._name} ended with {self._process.wait()}.")
        return line.strip()

    def tell(self, order: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()

    def pin(self, core: int) -> None:
        """Keep all its threads on one core."""
        for thread in os.listdir(f"/proc/{self._process.pid}/task"):
            os.sched_setaffinity(int(thread), {core})

    def cpu(self) -> float:
        """Its CPU seconds so far."""
        return cpu_seconds(self._process.pid)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


class Pair:
    """A server and a client of one program for one profile, in conversation; used in a `with`.

    The program is "ours" or "plain", its variant "uvloop" or "relay" (each explained there). With `greeting` they only shake
    hands, again and again.
    """

    def __init__(self, program: str, profile: str, variant: str = "", *, greeting: bool = False) -> None:
        self._server = Process(program, "greeter" if greeting else "server", profile, "0", variant)
        try:
            self._client = Process(program, "caller" if greeting else "client", profile, self._server.line(), variant)
        except BaseException:
            self._server.end()
            raise

    def __enter__(self) -> "Pair":
        try:
            self._client.line()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.end()
        self._server.end()

    def measure(self, order: str, cores: list[int]) -> tuple[float, float, float]:
        """Seconds that the order took, and the CPU seconds of the client, on the first core, and of the server, on the second
        (where cores can be chosen).
        """
        if cores:
            self._client.pin(cores[0])
            self._server.pin(cores[1])
        client, server = self._client.cpu(), self._server.cpu()
        self._client.tell(order)
        seconds = float(self._client.line())
        return seconds, self._client.cpu() - client, self._server.cpu() - server
