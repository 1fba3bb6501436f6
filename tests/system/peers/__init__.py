"""Independent peers of the three existing chats, importing nothing of plytalk, and a way to start them as programs.

`with start("demo02", "server") as peer:` runs tests/system/peers/demo02.py; `peer.port`, `peer.say(line)`, `peer.hear()`,
`peer.end_input()`, `peer.status()`. A peer that runs for longer than a minute is killed, so that no test waits for ever.
"""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
CHATS = ("demo01", "demo02", "secure_chat")


class Peer:
    def __init__(self, process: subprocess.Popen[str], port: int | None) -> None:
        self.process = process
        self.port = port

    def say(self, line: str) -> None:
        """Type one line."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        """The next line it prints, without the newline; empty once it has ended."""
        return self.process.stdout.readline().removesuffix("\n")

    def complaint(self) -> str:
        """The next line of its standard error, such as `[Error]: InvalidTag: `; empty once it has ended."""
        return self.process.stderr.readline().removesuffix("\n")

    def end_input(self) -> None:
        self.process.stdin.close()

    def status(self) -> int:
        """Wait for its end."""
        return self.process.wait()


@contextlib.contextmanager
def start(chat: str, role: str, port: int = 0, host: str = "127.0.0.1") -> Iterator[Peer]:
    """Run a peer as a program. A server's port is known on return, and it listens."""
    process = subprocess.Popen(
        [sys.executable, HERE / f"{chat}.py", role, "--host", host, "--port", str(port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    watchdog = threading.Timer(240, process.kill)
    watchdog.start()
    try:
        if role == "server":
            word, _, number = process.stderr.readline().partition(" ")
            assert word == "listening", f"{chat} does not listen: {word}"
            port = int(number)
        yield Peer(process, port)
    finally:
        watchdog.cancel()
        process.kill()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.wait()
        process.stdout.close()
        process.stderr.close()
        watchdog.join()
