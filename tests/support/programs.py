"""The `chat` command as its own program, spoken to through pipes.

`with serve("--profile", "demo02") as ours:` waits on `ours.port`; `connect(port, ...)` is the other role; `chat(...)` runs a
command to its end. A program that runs for longer than four minutes is killed, so that no test waits for ever.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from event_checks import FAULTS

COMMAND = (sys.executable, "-m", "plytalk")
# The surroundings of a new user (see surroundings.py). A program that writes there fails its test: give it a home.
NOWHERE = str(Path(os.environ["HOME"], "plytalk-nowhere"))
ENVIRONMENT = {
    **os.environ,
    "XDG_CONFIG_HOME": NOWHERE,
    "XDG_DATA_HOME": NOWHERE,
    "XDG_STATE_HOME": NOWHERE,
    "PYTHONUTF8": "1",
}


def importing(*folders: Path) -> dict[str, str]:
    """The variable that lets a program import from these folders too."""
    before = [ENVIRONMENT["PYTHONPATH"]] if ENVIRONMENT.get("PYTHONPATH") else []
    return {"PYTHONPATH": os.pathsep.join([*map(str, folders), *before])}


def home(folder: Path, name: str) -> dict[str, str]:
    """The surroundings of a user whose files are in a folder of that name."""
    return {**ENVIRONMENT, "HOME": str(folder / name), "XDG_DATA_HOME": str(folder / name), "XDG_CONFIG_HOME": str(folder / name)}


class Chat:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.told: list[str] = []
        self.port = 0

    def say(self, line: str) -> None:
        """Type one line."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        """The next line on standard output, without the newline; empty once it has ended."""
        return self.process.stdout.readline().decode().removesuffix("\n")

    def event(self, *types: str) -> dict[str, Any]:
        """The next event on standard output, of one of these types where any are given."""
        while line := self.hear():
            event: dict[str, Any] = json.loads(line)
            FAULTS.look_at(event)
            if not types or event["type"] in types:
                return event
        raise AssertionError(f"no {types} comes: {self.status()}, {self.told}")

    def hear_words(self) -> str:
        """What is said next, without the name or whatever else comes before it; lines about who comes and goes are skipped."""
        while (line := self.hear()).startswith("* ["):
            pass
        before, colon, words = line.partition(": ")
        return words if colon else before

    def tells(self, part: str) -> str:
        """Read standard error up to a line that has `part` in it, and give that line. All lines read are in `told`."""
        while line := self.process.stderr.readline().decode():
            self.told.append(line.removesuffix("\n"))
            if part in line:
                return self.told[-1]
        raise AssertionError(f"never told {part!r}, but: {self.told}")

    def end_input(self) -> None:
        self.process.stdin.close()

    def status(self) -> int:
        """Wait for its end; what it has told until then is in `told`."""
        self.told += self.process.stderr.read().decode().splitlines()
        return self.process.wait()


@contextlib.contextmanager
def started(*arguments: str, environment: Mapping[str, str] = ENVIRONMENT, command: Sequence[str] = COMMAND) -> Iterator[Chat]:
    """Run `chat ARGUMENTS` beside the test."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([*command, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, env=environment)
    watchdog = threading.Timer(240, process.kill)
    watchdog.start()
    try:
        yield Chat(process)
    finally:
        watchdog.cancel()
        process.kill()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.wait()
        process.stdout.close()
        process.stderr.close()
        watchdog.join()


@contextlib.contextmanager
def serve(*options: str, environment: Mapping[str, str] = ENVIRONMENT, command: Sequence[str] = COMMAND) -> Iterator[Chat]:
    """`chat serve` on a free port, ready for peers."""
    with started("serve", "--port", "0", *options, environment=environment, command=command) as ours:
        address = ours.event("notice")["data"]["address"] if "jsonl" in options else told_address(ours.tells("Listening on "))
        ours.port = int(address.rpartition(":")[2])
        yield ours


def told_address(line: str) -> str:
    """The address in a line that tells where a server listens, also where that is JSON."""
    return line.partition("Listening on ")[2].split()[0].rstrip('.",}')


@contextlib.contextmanager
def connect(
    port: int, *options: str, environment: Mapping[str, str] = ENVIRONMENT, command: Sequence[str] = COMMAND
) -> Iterator[Chat]:
    """`chat connect` to a port of this machine."""
    with started("connect", f"127.0.0.1:{port}", *options, environment=environment, command=command) as ours:
        yield ours


def chat(
    *arguments: str,
    typed: str = "",
    environment: Mapping[str, str] = ENVIRONMENT,
    folder: Path | None = None,
    command: Sequence[str] = COMMAND,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*command, *arguments], input=typed, capture_output=True, text=True, env=environment, cwd=folder, timeout=180, check=False
    )


@contextlib.contextmanager
def nobody_there() -> Iterator[int]:
    """A port that is taken and refuses every connection."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def complaint(run: subprocess.CompletedProcess[str]) -> str:
    """The one line of standard error that is neither a warning nor a traceback; there must be exactly one."""
    lines = [line for line in run.stderr.splitlines() if line and not line.startswith("Warning: ")]
    assert len(lines) == 1, run.stderr
    assert lines[0].startswith("chat: "), run.stderr
    return lines[0].removeprefix("chat: ")
