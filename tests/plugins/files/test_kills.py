"""A receiver that is killed at any moment leaves no partial file under a final name, and loses no chunk that it confirmed.

`PLYTALK_KILLS=200` is the long form; it also ends the receiver before every line of its code, not only before some.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from programs import importing
from surroundings import ROOT
from transferring import tree_of

from plytalk.plugins.files.file_limits import CHUNK

KILLS = int(os.environ.get("PLYTALK_KILLS", "15"))


class Receiver:
    """The program of tests/support/receiving.py."""

    def __init__(self, folder: Path) -> None:
        environment = {**os.environ, **importing(ROOT / "tests" / "support")}
        command = [sys.executable, "-m", "receiving", str(folder)]
        self.program = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def begin(self, path: Path, pause: float = 0.0, line: int = 0) -> int:
        """Have it receive this file; the process that does it."""
        assert self.program.stdin
        self.program.stdin.write(f"{path} {pause} {line}\n")
        self.program.stdin.flush()
        self.said: list[str] = []
        while not (line := self.line()).isdigit():  # the process and its parent speak in any order
            self.said.append(line)
        return int(line)

    def line(self) -> str:
        assert self.program.stdout
        line = self.program.stdout.readline()
        assert line, "the receiver has ended"
        return line.strip()

    def until(self, word: str) -> list[str]:
        """What the process says up to and with a line that begins so."""
        while not self.said or not self.said[-1].startswith(word):
            self.said.append(self.line())
        return self.said

    def close(self) -> None:
        assert self.program.stdin
        assert self.program.stdout
        self.program.stdin.close()
        self.program.wait()
        self.program.stdout.close()


@pytest.fixture
def receiver(there: Path) -> Iterator[Receiver]:
    one = Receiver(there)
    yield one
    one.close()


def numbers(said: list[str], word: str) -> list[int]:
    return [int(line.split()[1]) for line in said if line.startswith(f"{word} ")]


def test_no_kill_leaves_a_partial_file_under_its_name_or_loses_a_confirmed_chunk(
    here: Path, there: Path, receiver: Receiver
) -> None:
    chance = random.Random(13)
    folder = here / "album"
    (folder / "sub").mkdir(parents=True)
    for name in ("one", "sub/two", "three"):
        (folder / name).write_bytes(chance.randbytes(5 * CHUNK + 77))
    for number in range(500):
        (folder / "sub" / f"small {number}").write_bytes(chance.randbytes(number))
    (here / "film").write_bytes(chance.randbytes(20 * CHUNK + 1))
    confirmed = {"album": 0, "film": 0}
    whole = {name: tree_of(here / name) or (here / name).read_bytes() for name in confirmed}
    kills = finished = 0
    while kills < KILLS or not finished:
        name = chance.choice(sorted(confirmed))
        process = receiver.begin(here / name, pause=chance.choice((0, 0.002)))
        receiver.until("from")
        if kills < KILLS:
            time.sleep(chance.random() * 0.08)  # at any moment, also after the end
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        said = receiver.until("end")
        kills += said[-1] == f"end {int(signal.SIGKILL)}"
        (start,) = numbers(said, "from")
        assert start >= confirmed[name]
        confirmed[name] = max([start, *numbers(said, "have")])
        for shown in sorted(os.listdir(there)):
            if not shown.startswith("."):
                assert (tree_of(there / shown) or (there / shown).read_bytes()) == whole[shown]
                finished += 1
                confirmed[shown] = 0
                remove(there / shown)
    assert kills >= KILLS


def remove(path: Path) -> None:
    for below in sorted(path.rglob("*"), reverse=True):
        below.rmdir() if below.is_dir() else below.unlink()
    path.rmdir() if path.is_dir() else path.unlink()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_receiver_that_ends_before_any_line_of_its_code_leaves_what_can_be_finished(
    here: Path, there: Path, receiver: Receiver, kind: str
) -> None:
    path = here / "thing"
    if kind == "file":
        path.write_bytes(os.urandom(2 * CHUNK + 5))
    else:
        (path / "sub").mkdir(parents=True)
        (path / "sub" / "a").write_bytes(os.urandom(CHUNK))
        (path / "empty").touch()
    whole = tree_of(here)
    line, step = 1, 1 if KILLS >= 200 else 17
    while True:
        receiver.begin(path, line=line)
        said = receiver.until("end")
        if said[-1] == "end 0":
            break
        assert said[-1] == f"end {int(signal.SIGKILL)}"
        shown = {name: entry for name, entry in tree_of(there).items() if not name.startswith(".")}
        assert shown in ({}, whole)
        known = not shown or any(there.glob(".plytalk-*/state"))  # otherwise nothing is left of the transfer but the file
        receiver.begin(path)
        said = receiver.until("end")
        assert said[-2] == ("done thing" if known else "done thing (1)")
        for name in os.listdir(there):
            assert (tree_of(there / name) or (there / name).read_bytes()) == (tree_of(path) or path.read_bytes())
            remove(there / name)
        line += step
    assert line > 100
