"""How soon the console takes keys: after Enter, while messages arrive, and after the start.

    ./run python -m benchmarks.typing_latency

Enter: on a terminal of 80x24 the console shows the given number of messages a second; a key is typed right behind Enter, and the
time runs until that key is drawn after the prompt. Start: `chat connect` to a server on this machine, from the start of the
process until the prompt is there, beside a process that imports asyncio, cryptography, prompt_toolkit and msgspec and writes
a prompt. Both take turns.
"""

import argparse
import asyncio
import contextlib
import os
import pty
import signal
import statistics
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from fcntl import ioctl
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any

ROWS, COLUMNS = 24, 80
KEYS = "!#$%&*+=@^~|{}<>"
"""Keys that are in no escape sequence."""
IMPORTS = (
    "import asyncio, cryptography, prompt_toolkit, msgspec; "
    "from cryptography.hazmat.primitives.asymmetric import ed25519, mlkem, x25519; "
    "from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305; "
)
TURN = 0.01


class Terminal:
    """A process on a terminal."""

    def __init__(self, *words: str, **environment: str) -> None:
        self._keys, end = pty.openpty()
        ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.began = perf_counter()
        self.process = subprocess.Popen(
            words, stdin=end, stdout=end, stderr=end, env={**os.environ, "TERM": "xterm-256color", **environment}
        )
        os.close(end)
        self._seen = b""

    def type(self, keys: str) -> None:
        os.write(self._keys, keys.encode())

    def until(self, text: str) -> float:
        """Read until a text has come; when it had."""
        while text.encode() not in self._seen:
            self._seen = self._seen[-64:] + os.read(self._keys, 65536)
        at = perf_counter()
        self._seen = b""
        return at

    def end(self) -> float:
        """End the process; how much processor time it took, in seconds."""
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(OSError):  # what it still writes; Linux tells the end of a terminal so
            while os.read(self._keys, 65536):
                """Nobody reads it."""
        _, _, used = os.wait4(self.process.pid, 0)
        os.close(self._keys)
        return used.ru_utime + used.ru_stime


def enter_times(rate: int, keys: int) -> list[float]:
    """Seconds from Enter until the next key is drawn after the prompt."""
    terminal = Terminal(sys.executable, "-m", "benchmarks.typing_latency", "--show", str(rate))
    times = []
    try:
        terminal.until("[lobby]")
        sleep(1)
        for number in range(keys):
            key = KEYS[number % len(KEYS)]
            began = perf_counter()
            terminal.type(f"\r{key}")
            times.append(terminal.until(key) - began)
            sleep(0.02)
    finally:
        terminal.end()
    return times


@contextlib.contextmanager
def server(home: str) -> Iterator[str]:
    """A server on this machine; its address."""
    words = (sys.executable, "-m", "plytalk", "serve", "--port", "0", "--keep", "--headless")
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env={**os.environ, "PLYTALK_HOME": home})
    assert process.stderr
    try:
        yield next(line.split()[2] for line in process.stderr if line.startswith("Listening on "))
    finally:
        process.terminate()
        process.wait()


def start_times(rounds: int) -> dict[str, list[float]]:
    """Seconds until the prompt is there: wall-clock, and of a processor."""
    times: dict[str, list[float]] = {name: [] for name in ("chat", "chat cpu", "imports", "imports cpu")}
    with TemporaryDirectory() as home, server(f"{home}/server") as address:
        chat = ("-m", "plytalk", "connect", address, "--accept-new", "--name", "bench")
        imports = ("-c", f"{IMPORTS}print('[lobby]', end='', flush=True); import time; time.sleep(60)")
        for number in range(rounds + 1):
            for name, words in (("chat", chat), ("imports", imports)):
                terminal = Terminal(
                    sys.executable, *words, PLYTALK_HOME=f"{home}/client", PYTHONDONTWRITEBYTECODE="", PYTHONPYCACHEPREFIX=home
                )
                seconds = terminal.until("[lobby]") - terminal.began
                used = terminal.end()
                if number:  # the first one makes an identity, and the bytecode of all modules
                    times[name].append(seconds)
                    times[f"{name} cpu"].append(used)
    return times


# -- the console on that terminal --------------------------------------------------------------------------------------------


async def show(rate: int) -> None:
    """Show this many messages a second on a console."""
    from plytalk.core.contracts.events import Message, Sender, You, now
    from plytalk.plugins.uis.console import Console

    ui = Console()
    bob, alice = Sender(name="bob", key="SHA256:bob"), Sender(name="alice", key="SHA256:alice")

    class Room:
        """Gives back what is said."""

        address, failed, ending = "here", False, None

        def say(self, text: str) -> None:
            ui.show(Message(id=ui.next_id(), time=now(), sender=bob, room="lobby", text=text, own=True))

        def tell_typing(self, on: bool = True) -> bool:
            return False

        def tell_read(self, id: str) -> bool:
            return False

        async def drain(self) -> None:
            """Nothing waits."""

    room: Any = Room()
    typing = asyncio.create_task(ui.run(room))
    await asyncio.sleep(0)
    ui.show(You(id=ui.next_id(), time=now(), sender=bob, room="lobby", present=2, others=(alice,)))
    loop, shown = asyncio.get_running_loop(), 0
    began = loop.time()
    while not typing.done():
        await asyncio.sleep(TURN)
        for shown in range(shown, int((loop.time() - began) * rate)):  # noqa: B020
            ui.show(Message(id=ui.next_id(), time=now(), sender=alice, room="lobby", text=f"message {shown} of a flood"))


def quantile(times: list[float], part: float) -> float:
    return sorted(times)[min(int(len(times) * part), len(times) - 1)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.typing_latency", description=__doc__)
    parser.add_argument("--keys", type=int, default=500, help="how often Enter is pressed at each rate (%(default)s)")
    parser.add_argument("--rounds", type=int, default=15, help="how often each is started (%(default)s)")
    parser.add_argument("--start", action="store_true", help="measure the start alone")
    parser.add_argument("--show", type=int, metavar="RATE", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.show is not None:
        asyncio.run(show(given.show))
        return
    for rate in () if given.start else (0, 100, 1000):
        times = [1000 * seconds for seconds in enter_times(rate, given.keys)]
        parts = ", ".join(f"p{part:.0%} {quantile(times, part):.1f}".replace("%", "") for part in (0.5, 0.9, 0.99))
        print(f"Enter to the next key at {rate} messages a second, in ms: {parts}, longest {max(times):.1f}", flush=True)
    starts = {name: [1000 * seconds for seconds in times] for name, times in start_times(given.rounds).items()}
    for name in ("chat", "imports"):
        time, used = statistics.median(starts[name]), statistics.median(starts[f"{name} cpu"])
        print(f"Start to prompt, {name}, in ms: {time:.0f}, of a processor {used:.0f}")
    for what in ("", " cpu"):
        more = statistics.median(
            ours - theirs for ours, theirs in zip(starts[f"chat{what}"], starts[f"imports{what}"], strict=True)
        )
        print(f"More than the imports of the same turn, in ms{what and ' of a processor'}: {more:.0f}")


if __name__ == "__main__":
    main()
