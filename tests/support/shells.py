"""`chat COMMAND` as its own program, off a terminal."""

import json
import subprocess
from pathlib import Path

from people import environment
from programs import COMMAND


class Shell:
    """A program of somebody with a home and a current folder."""

    def __init__(self, home: Path, *words: str, typed: bytes = b"", ends_input: bool = True) -> None:
        self.folder = home / "here"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [*COMMAND, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder,
            env=environment(home),
        )  # fmt: skip
        assert self.process.stdin
        self.process.stdin.write(typed)
        if ends_input:
            self.process.stdin.close()
        else:
            self.process.stdin.flush()

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().decode().removesuffix("\n")

    def ends(self) -> tuple[int, list[dict[str, object]], str]:
        """Its exit code, the events that it printed, and standard error."""
        with self.process as process:
            assert process.stdout
            assert process.stderr
            out, err = process.stdout.read(), process.stderr.read().decode()
        return process.returncode, [json.loads(line) for line in out.splitlines()], err
