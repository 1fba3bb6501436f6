"""A program on its own terminal, seen through a terminal emulator: `screen.rows` is what a person would read."""

import contextlib
import os
import select
import shlex
import time
from collections.abc import Callable, Iterator, Mapping

import pexpect
import pyte
from programs import COMMAND, ENVIRONMENT

PATIENCE = 120.0  # seconds until a test that waits in vain fails


class Screen:
    """A terminal of `columns` x `rows` with one program on it."""

    def __init__(
        self, words: tuple[str, ...], environment: Mapping[str, str], columns: int, rows: int, term: str = "xterm-256color"
    ) -> None:
        self.term = term
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        environment = {**environment, "TERM": term, "LANG": "C.UTF-8"}
        if not term:
            del environment["TERM"]
        self.process = pexpect.spawn(words[0], list(words[1:]), env=environment, dimensions=(rows, columns))
        self._screen.write_process_input = self.process.send

    @property
    def rows(self) -> list[str]:
        """What is on the screen, without the blanks at the end of rows and without empty rows. Wide characters count once."""
        whole = ("".join(row[column].data for column in range(self._screen.columns)).rstrip() for row in self._lines())
        return [row for row in whole if row]

    def _lines(self) -> list[Mapping[int, pyte.screens.Char]]:
        return [self._screen.buffer[number] for number in range(self._screen.lines)]

    @property
    def before_cursor(self) -> str:
        """The row with the cursor, up to the cursor."""
        row = self._lines()[self._screen.cursor.y]
        return "".join(row[column].data for column in range(self._screen.cursor.x))

    def type(self, keys: str) -> None:
        self.process.send(keys)

    def resize(self, columns: int, rows: int) -> None:
        """Make it narrower or wider. As with xterm, what is there already is not wrapped again."""
        self._screen.resize(rows, columns)
        self.process.setwinsize(rows, columns)

    def until(self, seen: Callable[[], bool] | str) -> None:
        """Read until a text is on the screen, or until a condition holds."""
        condition = seen if callable(seen) else lambda: any(seen in row for row in self.rows)
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"never seen; the screen shows:\n{self}"
            assert self._read(0.05), f"the program has ended; the screen shows:\n{self}"

    def ended(self) -> int:
        """Read to the end of the program; its status."""
        end = time.monotonic() + PATIENCE
        while self._read(0.05):
            assert time.monotonic() < end, f"does not end; the screen shows:\n{self}"
        self.process.wait()
        return self.process.exitstatus if self.process.exitstatus is not None else -self.process.signalstatus

    def _read(self, patience: float) -> bool:
        if select.select([self.process.child_fd], [], [], patience)[0]:
            try:
                data = os.read(self.process.child_fd, 65536)
            except OSError:  # how Linux tells the end of a terminal
                data = b""
            self.raw += data
            self._stream.feed(data)
            return bool(data)
        return True

    def __str__(self) -> str:
        return "\n".join(f"|{row}" for row in self.rows) + f"\ncursor behind {self.before_cursor!r}"


@contextlib.contextmanager
def shown(
    *arguments: str,
    environment: Mapping[str, str] = ENVIRONMENT,
    columns: int = 100,
    rows: int = 30,
    term: str = "xterm-256color",
    command: tuple[str, ...] = tuple(COMMAND),
) -> Iterator[Screen]:
    """Run `chat ARGUMENTS` on a terminal."""
    screen = Screen((*command, *arguments), environment, columns, rows, term)
    try:
        yield screen
    finally:
        screen.process.close(force=True)


@contextlib.contextmanager
def shown_by_a_shell(*arguments: str, environment: Mapping[str, str] = ENVIRONMENT) -> Iterator[Screen]:
    """The same, started by a shell that says how the terminal was set before and after it: rows `before: ...`, `after: ...`."""
    command = shlex.join((*COMMAND, *arguments))
    script = f'echo "before: $(stty -g)"; {command}; echo "status: $?"; echo "after: $(stty -g)"'
    screen = Screen(("/bin/sh", "-c", f"trap : INT TERM; {script}"), environment, 150, 40)
    try:
        yield screen
    finally:
        screen.process.close(force=True)
