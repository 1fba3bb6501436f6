"""A program in a pane of tmux: a terminal that real people use, with its own ideas of widths, wrapping and scrollback."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from programs import ENVIRONMENT


class Tmux:
    """A program in a pane of tmux."""

    def __init__(self, place: Path, command: str, columns: int, rows: int, environment: Mapping[str, str]) -> None:
        self._tmux = ("tmux", "-S", str(place / "tmux"), "-f", os.devnull)
        self._environment = {**environment, "LC_ALL": "C.UTF-8"}
        self.ask("new-session", "-d", "-x", str(columns), "-y", str(rows), command)

    def ask(self, *words: str) -> str:
        run = subprocess.run([*self._tmux, *words], capture_output=True, text=True, env=self._environment, check=True)
        return run.stdout

    def type(self, text: str) -> None:
        self.ask("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        self.ask("send-keys", *keys)

    @property
    def rows(self) -> list[str]:
        """The rows on the screen that are not empty."""
        return [row for row in self.ask("capture-pane", "-p").splitlines() if row]

    @property
    def all_rows(self) -> list[str]:
        """The same with those that have scrolled away."""
        return [row for row in self.ask("capture-pane", "-p", "-S", "-").splitlines() if row]

    def until(self, *rows: str) -> None:
        """Wait until these are the last rows."""
        end = time.monotonic() + 120
        while (seen := self.rows[-len(rows) :]) != list(rows):
            assert time.monotonic() < end, seen

    def variable(self, name: str) -> str:
        """The value of a variable of tmux for this pane, such as `pane_title`."""
        return self.ask("display-message", "-p", f"#{{{name}}}").removesuffix("\n")

    def until_variable(self, name: str, value: str) -> None:
        """Wait until a variable of tmux has this value."""
        end = time.monotonic() + 120
        while (seen := self.variable(name)) != value:
            assert time.monotonic() < end, seen

    @property
    def cursor(self) -> int:
        """The column of the cursor, once it stays there: drawing moves it to and fro."""
        before, now = -1, int(self.ask("display-message", "-p", "#{cursor_x}"))
        while now != before:
            time.sleep(0.1)
            before, now = now, int(self.ask("display-message", "-p", "#{cursor_x}"))
        return now


@contextlib.contextmanager
def tmux(
    place: Path, command: str, columns: int = 60, rows: int = 20, environment: Mapping[str, str] = ENVIRONMENT
) -> Iterator[Tmux]:
    """A pane of this many columns and rows; `place` is a folder for the socket. Skips the test where there is no tmux."""
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed: apt install tmux")
    pane = Tmux(place, command, columns, rows, environment)
    try:
        yield pane
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):  # the last program has ended, and tmux with it
            pane.ask("kill-server")
