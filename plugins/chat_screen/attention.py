"""What calls a person who looks elsewhere: the bell, the number of unread messages in the terminal's title, a desktop
notification.
"""

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import suppress

from plytalk.core.io.background import Background

BELL = "\a"
SAVE_TITLE, RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"
PAUSE = 2.0
"""At most one notification within this many seconds."""
MOST = 200


class Attention:
    """Calls the reader. `write` writes raw text to the terminal; `bell`, `title` and `notify` say which ways to use. Messages
    since the last key press count as unread: a terminal cannot tell whether somebody looks at it.
    """

    def __init__(self, write: Callable[[str], None], bell: bool, title: bool, notify: bool) -> None:
        self._write = write
        self._bell, self._title, self._notify = bell, title, notify
        self._unread = 0
        self._room = ""
        self._has_begun = False
        self._notified = -PAUSE
        self._programs = Background()

    def begin(self) -> None:
        """Save the terminal's title and show ours."""
        self._has_begun = True
        self.resume()

    def end(self) -> None:
        """Restore the terminal's title."""
        self.suspend()
        self._has_begun = False

    def suspend(self) -> None:
        """Restore the shell's title, before the program is suspended."""
        if self._title and self._has_begun:
            self._write(RESTORE_TITLE)

    def resume(self) -> None:
        """Save the shell's title again and show ours, after the program was continued."""
        if self._title and self._has_begun:
            self._write(SAVE_TITLE)
            self._draw_title()

    def room(self, room: str) -> None:
        self._room = room
        self._draw_title()

    def typed(self) -> None:
        """A key was pressed: everything is read."""
        if self._unread:
            self._unread = 0
            self._draw_title()

    def message(self, line: str, loud: bool) -> None:
        """Note a message. It is `loud` if it is meant for this reader."""
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
        """Notify with the desktop's program if there is a desktop, otherwise through the terminal (OSC 9)."""
        program = shutil.which("notify-send")
        if program and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            self._programs.start(run_program(program, "--app-name=plytalk", "--", "plytalk", escaped(line)))
        else:
            self._write(f"\x1b]9;plytalk: {line}\a")  # some terminals read a number there as another command


def escaped(line: str) -> str:
    """Escape markup, which a desktop's notifications can have."""
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


async def run_program(*words: str) -> None:
    """Run a program, without letting it write to our screen. Do nothing if it cannot be run."""
    null = asyncio.subprocess.DEVNULL
    with suppress(OSError):
        process = await asyncio.create_subprocess_exec(*words, stdin=null, stdout=null, stderr=null)
        await process.wait()
