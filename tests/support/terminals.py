"""Terminals that play a transcript: they run its commands, type what it types, and compare what they show with what it shows.

A transcript is a list of lines. `$ COMMAND` runs a command when the one before has ended; one that another terminal shows as the
line to paste is pasted. `Type Message: TEXT` waits for that prompt and types TEXT, and so do `You: TEXT`,
`QUESTION [yes/no] ANSWER`, and `One-time code: CODE` with the code that another terminal shows. In a room `[lobby] TEXT` does;
`TIME NAME: TEXT` must follow, unless TEXT is a command or exit. Every other line must be the next one that appears; `...` matches
anything, within a line or in place of lines. Addresses, times, fingerprints, codes, homes and names of two words may be others.
A command must end with status 0, unless `$ echo $?` and its status follow.
"""

import os
import re
import select
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pexpect
import pyte

ROOMS = "[lobby] ", "[kitchen] "
PROMPTS = "Type Message: ", "You: ", *ROOMS
QUESTION, ASKS_CODE = " [yes/no] ", "One-time code: "
READY = "Listening on ", "Talking to ", "chat receive "
PASTE, CODE = "The other side connects with:  ", r"\b\d+-[a-z]+-[a-z]+\b"
MERE = ("", *(prompt.rstrip() for prompt in PROMPTS))
ROWS, COLUMNS = 600, 300
PATIENCE = 180.0  # seconds for a whole scene, which only a failure uses up
NAMES = r"^\d\d:\d\d [a-z]+-[a-z]+: ", r"^\d\d:\d\d ", r"\[[a-z]+-[a-z]+\]", r"You are [a-z]+-[a-z]+ in "
VARIES = {
    **{same: same for same in (r"127\.0\.0\.1:\d+", r"SHA256:[\w+/]+", CODE, *NAMES)},
    r"/home/alice": r"\S+",
    r"\.\.\.": ".*",
}


def commands_of(lines: Sequence[str]) -> list[tuple[str, list[str]]]:
    """A transcript as commands, each with the lines below it."""
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip():
            assert found, f"A transcript begins with `$ COMMAND`, not with {line!r}."
            found[-1][1].append(line)
    return found


def pattern_of(line: str) -> re.Pattern[str]:
    """What a line of a transcript means."""
    parts = re.split("(" + "|".join(VARIES) + ")", line.rstrip())
    known = ((part, next((to for of, to in VARIES.items() if re.fullmatch(of, part)), None)) for part in parts)
    return re.compile("".join(to or re.escape(part) for part, to in known))


class Terminal:
    """A terminal that plays one transcript."""

    def __init__(
        self, lines: Sequence[str], environment: Mapping[str, str], folder: Path, others: Sequence["Terminal"] = ()
    ) -> None:
        self._others = others
        self._commands, self._environment, self._folder = commands_of(lines), dict(environment), folder
        self._child: pexpect.spawn[bytes] | None = None
        self._ended = True
        self._blank()

    def _blank(self) -> None:
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._screen.write_process_input = lambda data: self._child.send(data)  # type: ignore[method-assign, union-attr]
        self._stream = pyte.ByteStream(self._screen)
        self._row = 0

    # -- the program -----------------------------------------------------------------------------------------------------------

    @property
    def fd(self) -> int | None:
        """Where output of a running command arrives."""
        return None if self._ended or self._child is None else int(self._child.child_fd)

    @property
    def rows(self) -> list[str]:
        return [row.rstrip() for row in self._screen.display]

    @property
    def ready(self) -> bool:
        """Whether it has got so far that the next one can begin: it listens, or is in."""
        return any(row.startswith(READY) for row in self.rows)

    def _pasted(self, command: str) -> str:
        """The command, as another terminal shows it where it is the line to paste."""
        return self._told(f"{PASTE}({pattern_of(command).pattern})$", command)

    def _start(self, command: str) -> None:
        self._blank()
        self._ended = False
        self._child = pexpect.spawn(
            "/bin/sh", ["-c", command], env=self._environment, cwd=self._folder, dimensions=(ROWS, COLUMNS), echo=True
        )

    def read(self) -> None:
        """Take in what has arrived."""
        assert self._child is not None
        try:
            self._stream.feed(os.read(self._child.child_fd, 65536) or self._end())
        except OSError:  # how Linux tells the end of a terminal
            self._end()

    def _end(self) -> bytes:
        assert self._child is not None
        self._child.wait()
        self._child.close()
        self._ended = True
        return b""

    def stop(self) -> None:
        """End what still runs."""
        if self._child is not None and not self._ended:
            self._child.close(force=True)
            self._ended = True

    def _told(self, pattern: str, otherwise: str) -> str:
        """What another terminal shows where this matches."""
        found = (re.search(pattern, row) for other in self._others for row in other.rows)
        return next((match[match.lastindex or 0] for match in found if match), otherwise)

    # -- the transcript --------------------------------------------------------------------------------------------------------

    def play(self) -> Iterator[None]:
        """Play it, stopping wherever something has to arrive first. Raises AssertionError where it differs."""
        status = 0
        for index, (command, lines) in enumerate(self._commands):
            if command == "echo $?":
                assert lines == [str(status)], f"The status is {status}, not {lines}."
                continue
            while "--peer" in command and self._pasted(command) == command and any(other.fd for other in self._others):
                yield
            self._start(self._pasted(command))
            yield from self._show(lines)
            while not self._ended:
                yield
            left = [row for _, row in self._unread()]
            assert not left or lines[-1:] == ["..."], f"`{command}` shows more than its transcript: {left}"
            assert self._child is not None
            status = self._child.exitstatus if self._child.exitstatus is not None else -(self._child.signalstatus or 0)
            asked = index + 1 < len(self._commands) and self._commands[index + 1][0] == "echo $?"
            assert asked or status == 0, f"`{command}` ended with status {status}."

    def _show(self, lines: Sequence[str]) -> Iterator[None]:
        loose = False
        for line in lines:
            if line == "...":
                loose = True
                continue
            if prompt := next((prompt for prompt in (*PROMPTS, QUESTION, ASKS_CODE) if prompt in line), None):
                before, _, typed = line.partition(prompt)
                while not pattern_of(before + prompt).fullmatch(self.rows[self._screen.cursor.y]):
                    assert not self._ended, f"It ended before {line!r}."
                    yield
                assert self._child is not None
                self._child.send((self._told(CODE, typed) if prompt == ASKS_CODE else typed) + "\r")
            if prompt in ROOMS and (typed[0] == "/" or typed == "exit"):
                continue  # what comes before it may still be unread
            if prompt in ROOMS:
                line = f"10:12 ...: {typed}"
            while not self._found(line, loose):
                assert not self._ended, f"It ended without {line!r}."
                yield
            loose = False

    def _unread(self) -> list[tuple[int, str]]:
        """The complete rows that no line of the transcript has matched, without empty ones and mere prompts."""
        last = ROWS if self._ended else self._screen.cursor.y
        return [(at, row) for at, row in enumerate(self.rows[:last]) if at >= self._row and row not in MERE]

    def _found(self, line: str, loose: bool) -> bool:
        pattern = pattern_of(line)
        for at, row in self._unread():
            if pattern.fullmatch(row):
                self._row = at + 1
                return True
            assert loose, f"Instead of {line!r} it shows {row!r}."
        return False


def play(scene: Sequence[tuple[Mapping[str, str], Sequence[str]]], folder: Path) -> None:
    """Play transcripts side by side, each in its environment; it begins when the one before it listens, or is in.

    Raises AssertionError where a terminal shows something else than its transcript.
    """
    terminals: list[Terminal] = []
    for environment, lines in scene:
        terminals.append(Terminal(lines, environment, folder, tuple(terminals)))
    playing: dict[Terminal, Iterator[None]] = {}
    over: set[Terminal] = set()
    deadline = time.monotonic() + PATIENCE
    try:
        while len(over) < len(terminals):
            for before, terminal in zip([None, *terminals], terminals, strict=False):
                if terminal not in playing and (before is None or before.ready or before in over):
                    playing[terminal] = terminal.play()
                if terminal in playing and terminal not in over and next(playing[terminal], over) is over:
                    over.add(terminal)
            fds = {fd: terminal for terminal in terminals if (fd := terminal.fd) is not None}
            assert time.monotonic() < deadline, "It waits for ever."
            for fd in select.select(fds, [], [], 0.1)[0]:
                fds[fd].read()
    except AssertionError as error:
        shown = "\n".join(f"--- terminal {n}\n" + "\n".join(filter(None, one.rows)) for n, one in enumerate(terminals, 1))
        raise AssertionError(f"{error}\n{shown}") from None
    finally:
        for terminal in terminals:
            terminal.stop()
