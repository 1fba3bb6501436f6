"""What calls a person who looks elsewhere: the bell, the terminal's title with what is unread, a notification on the desktop."""

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import suppress

from plytalk.core.io.background import Background

BELL = "\a"
SAVE_TITLE, RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"
PAUSE = 2.0
"""At most one notification within so many seconds."""
MOST = 200


class Attention:
    """Calls the reader. `write` writes to the terminal as it is; `bell`, `title` and `notify` say what is wanted.

    The unread messages are those since the last key: a terminal does not say whether it is looked at.
    """

    def __init__(self, write: Callable[[str], None], bell: bool, title: bool, notify: bool) -> None:
        self._write = write
        self._bell, self._title, self._notify = bell, title, notify
        self._unread = 0
        self._room = ""
        self._notified = -PAUSE
        self._programs = Background()

    def begin(self) -> None:
        """The screen is ours: keep the title that it has."""
        if self._title:
            self._write(SAVE_TITLE)
            self._draw_title()

    def end(self) -> None:
        """Give the title back."""
        if self._title:
            self._write(RESTORE_TITLE)

    def room(self, room: str) -> None:
        self._room = room
        self._draw_title()

    def typed(self) -> None:
        """A key was pressed: everything is read."""
        if self._unread:
            self._unread = 0
            self._draw_title()

    def message(self, line: str, loud: bool) -> None:
        """A message came; `loud` where it is meant for this reader."""
        self._unread += 1
        self._draw_title()
        if loud and self._bell:
            self._write(BELL)
        now = asyncio.get_running_loop().time()
        if loud and self._notify and now - self._notified >= PAUSE:
            self._notified = now
            self._call(line[:MOST])

    def _draw_title(self) -> None:
        if self._title:
            unread = f"({self._unread}) " if self._unread else ""
            self._write(f"\x1b]2;{unread}{self._room or 'plytalk'}\a")

    def _call(self, line: str) -> None:
        """By the desktop's own program where there is a desktop, else by the terminal (OSC 9)."""
        program = shutil.which("notify-send")
        if program and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            self._programs.start(run_program(program, "--app-name=plytalk", "--", "plytalk", escaped(line)))
        else:
            self._write(f"\x1b]9;plytalk: {line}\a")  # some terminals read a number there as another command


def escaped(line: str) -> str:
    """A text that is not read as markup: what the desktop shows may have some."""
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


async def run_program(*words: str) -> None:
    """Run a program that must not write on our screen. One that cannot be run is left out."""
    null = asyncio.subprocess.DEVNULL
    with suppress(OSError):
        process = await asyncio.create_subprocess_exec(*words, stdin=null, stdout=null, stderr=null)
        await process.wait()
