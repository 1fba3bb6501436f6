"""A terminal as prompt_toolkit draws on it, made robust: against widths, resizing, other writers, and its own end."""

import asyncio
import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any, cast

from prompt_toolkit.application import Application
from prompt_toolkit.input import Input, create_input
from prompt_toolkit.key_binding import KeyBindings, defaults

REFLOWS = ("VTE_VERSION", "KITTY_WINDOW_ID", "WEZTERM_PANE", "WT_SESSION", "KONSOLE_VERSION", "ALACRITTY_WINDOW_ID")
REFLOWING_PROGRAMS = ("iTerm.app", "Apple_Terminal", "vscode", "WezTerm", "ghostty")
REFLOWING_TERMS = ("alacritty", "contour", "foot", "tmux", "wezterm", "xterm-ghostty", "xterm-kitty")

DROPPED = 1024
"""How many reads of typed-ahead input a question drops at most: nothing that never stops may hold up the loop."""


def reflows() -> bool:
    """Whether the terminal wraps rows again when it becomes narrower: those that do tell their name, xterm does not."""
    term, program = os.environ.get("TERM", ""), os.environ.get("TERM_PROGRAM")
    if term.startswith("screen"):
        return bool(os.environ.get("TMUX"))
    if term.startswith(REFLOWING_TERMS) or (program == "tmux" and not os.environ.get("XTERM_VERSION")):
        return True
    return any(os.environ.get(name) for name in REFLOWS) or program in REFLOWING_PROGRAMS


class Drawing:
    """How one input line is drawn, erased, and drawn again."""

    def __init__(self, app: "Application[str]") -> None:
        self._app = app
        self._columns = 0
        self._uncertain = False
        app.before_render += lambda app: self._before()
        app.after_render += lambda app: self._after()
        app._on_resize = self._resize  # type: ignore[method-assign]

    def erase(self) -> None:
        """Take the line off the screen; the cursor is where it began."""
        output, renderer = self._app.output, self._app.renderer
        output.write_raw("\r")  # the terminal may count cells differently from prompt_toolkit
        output.cursor_up(self._added_rows())
        renderer.erase()

    def _added_rows(self) -> int:
        """How many rows a narrower terminal has made of those that were drawn, down to the cursor."""
        screen, cursor = self._app.renderer.last_rendered_screen, self._app.renderer._cursor_pos
        columns = self._app.output.get_size().columns
        if screen is None or columns >= self._columns or not reflows():
            return 0
        rows = (screen.data_buffer[y] for y in range(cursor.y))
        last_cells = (max((x for x, cell in row.items() if cell.char != " "), default=0) for row in rows)
        return sum(x // columns for x in (*last_cells, cursor.x))

    def _resize(self) -> None:
        self.erase()
        self._app._redraw()

    def _before(self) -> None:
        resized = self._app.output.get_size().columns != self._columns  # noticed here before the signal has come
        drawn = self._app.renderer.last_rendered_screen is not None
        if drawn and (resized or self._uncertain):  # a change alone cannot be drawn where it belongs
            self.erase()

    def _after(self) -> None:
        """Put the cursor behind the text before it by writing that text: terminals disagree about the width of emoji."""
        app, screen = self._app, self._app.renderer.last_rendered_screen
        if screen is None or app.is_done:
            return
        size = app.renderer._last_size  # that of this drawing: the terminal may have another one by now
        self._columns = size.columns if size else 0
        self._uncertain = not app.current_buffer.text.isascii()
        if self._uncertain:
            cursor = app.renderer._cursor_pos
            row = screen.data_buffer[cursor.y]
            app.output.disable_autowrap()
            app.output.write_raw("\r")
            app.output.write("".join(row[x].char for x in range(cursor.x)))
            app.output.enable_autowrap()
            app.output.flush()


@contextlib.contextmanager
def without_vi_keys() -> Iterator[None]:
    """prompt_toolkit creates the vi key bindings for every application, in 2 ms of each start. Nobody can turn them on here."""
    names, name = vars(defaults), "load_vi_bindings"
    made = names.get(name)
    if made:  # another version of prompt_toolkit may not have it
        names[name] = KeyBindings
    try:
        yield
    finally:
        if made:
            names[name] = made


def as_text(typed: str) -> str:
    """What was typed, also where the terminal is said to know ASCII alone and bytes come as surrogates."""
    return typed.encode(errors="surrogateescape").decode(errors="replace") if not typed.isascii() else typed


def drop_typed(keys: Input) -> None:
    """Drop what was typed and not read. The parser sees it, so it knows where a paste ends."""
    for _ in range(DROPPED):
        if not select.select([keys.fileno()], [], [], 0)[0]:
            break
        keys.read_keys()
    keys.flush_keys()


@contextlib.contextmanager
def when_continued(call: Callable[[], None]) -> Iterator[None]:
    """Call it whenever the program goes on after something has stopped it."""
    loop, number = asyncio.get_running_loop(), getattr(signal, "SIGCONT", None)
    try:
        if number:
            loop.add_signal_handler(number, call)
    except (NotImplementedError, ValueError, RuntimeError):  # not in the main thread
        number = None
    try:
        yield
    finally:
        if number:
            loop.remove_signal_handler(number)


def stop_group(call: Callable[[], None]) -> None:
    """Stop the program, with its process group. Return when it goes on, which is at once if the system ignores that: nobody
    could continue a group without a shell. What `when_continued` was given to call is not called for this."""
    loop = asyncio.get_running_loop()
    had_handler = loop.remove_signal_handler(signal.SIGCONT)
    os.kill(0, signal.SIGTSTP)
    if had_handler:
        loop.add_signal_handler(signal.SIGCONT, call)


if sys.platform == "win32":
    from prompt_toolkit.output import create_output
    from prompt_toolkit.output.win32 import Win32Output

    class WindowsOutput(Win32Output):
        """The screen of Windows."""

        muted = False

    TerminalOutput = WindowsOutput

    def terminal(lost: Callable[[OSError], None]) -> tuple[Input, "TerminalOutput"]:
        """The terminal's two directions."""
        output = cast(TerminalOutput, create_output())
        output.muted = False
        return create_input(), output

else:
    from prompt_toolkit.input.vt100 import Vt100Input
    from prompt_toolkit.output.vt100 import Vt100_Output

    class TerminalInput(Vt100Input):
        """Keys of a terminal, which is closed once it has hung up."""

        def read_keys(self) -> "list[Any]":
            keys = super().read_keys()
            if not keys and not os.isatty(self.fileno()):
                self.stdin_reader.closed = True
            return keys

    class TerminalOutput(Vt100_Output):
        """A screen that cannot break anything: `lost` is called when it cannot be written to. It shows nothing while `muted`."""

        lost: Callable[[OSError], None]
        muted = False
        responds_to_cpr = False  # one line needs no answer where the cursor is, and then nothing waits for one

        def flush(self) -> None:
            try:
                if self.muted:
                    self._buffer.clear()
                super().flush()
            except OSError as error:
                self.lost(error)

    def terminal(lost: Callable[[OSError], None]) -> tuple[Input, TerminalOutput]:
        """The terminal's two directions."""
        output = cast(TerminalOutput, TerminalOutput.from_pty(sys.stdout, term=os.environ.get("TERM")))
        output.lost = lost
        return TerminalInput(sys.stdin), output
