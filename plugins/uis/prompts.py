"""A prompt in the last line of a terminal, with what arrives printed above it: by prompt_toolkit, or by readline.

Both are a prompt only while they are `shown`; `ask` gives the lines typed, and `print_above` never garbles a half-typed one.
"""

import asyncio
import atexit
import contextlib
import ctypes
import os
import signal
import sys
import threading
import unicodedata
from collections.abc import Iterator
from typing import Protocol

from plytalk.core.lines import in_thread


class Prompt(Protocol):
    visible: bool

    def shown(self) -> contextlib.AbstractContextManager[None]: ...

    async def ask(self) -> list[str] | None:
        """The next lines; None at the end of input."""

    def print_above(self, line: str) -> None: ...


def best(text: str) -> Prompt | None:
    """The best prompt that this Python can show; None where it can show none."""
    for kind in (ToolkitPrompt, ReadlinePrompt):
        with contextlib.suppress(ImportError):
            return kind(text)
    return None


class ToolkitPrompt:
    """prompt_toolkit draws. Raises ImportError where it is not installed."""

    def __init__(self, text: str) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.patch_stdout import patch_stdout

        # Do not ask the terminal where its cursor is: one line needs no answer, and then nothing waits for one.
        os.environ.setdefault("PROMPT_TOOLKIT_NO_CPR", "1")
        self._asking: PromptSession[str] = PromptSession(text, reserve_space_for_menu=0)
        self._patch = patch_stdout
        self._half = ""
        self.visible = False

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        with self._patch(raw=True):
            self.visible = True
            try:
                yield
            finally:
                self.visible = False

    async def ask(self) -> list[str] | None:
        half, self._half = self._half, ""
        try:
            typed: str = await self._asking.prompt_async(set_exception_handler=False, handle_sigint=False, default=half)
        except asyncio.CancelledError:  # the conversation is over; in the next one the half-typed line is there again
            self._half = self._asking.default_buffer.text
            raise
        except EOFError:
            return None
        except KeyboardInterrupt:  # Ctrl-C came as a key: let it be the signal that it is without a prompt
            signal.raise_signal(signal.SIGINT)
            await asyncio.Event().wait()
            raise
        return typed.split("\n")  # what was pasted may have several lines

    def print_above(self, line: str) -> None:
        sys.stdout.write(line + "\n")


class ReadlinePrompt:
    """`input` in a thread, and the prompt drawn anew, with what is typed so far, below each line printed.

    Raises ImportError where readline or a terminal's settings are unknown. readline can only be told to redraw from its own
    thread, so the drawing is done here; all it takes is the text and where the cursor stands in it.
    """

    def __init__(self, text: str) -> None:
        import readline
        import termios

        self._prompt, self._typed = text, readline.get_line_buffer
        readline.parse_and_bind("set enable-bracketed-paste off")  # so that nothing is left switched on at the end
        atexit.register(termios.tcsetattr, 0, termios.TCSADRAIN, termios.tcgetattr(0))
        try:
            self._point: ctypes.c_int | None = ctypes.c_int.in_dll(ctypes.CDLL(readline.__file__), "rl_point")
        except (AttributeError, OSError, ValueError):  # a readline built into the interpreter: the cursor counts as at the end
            self._point = None
        self._tells = hasattr(readline, "set_pre_input_hook")  # libedit does not tell when the prompt stands
        if self._tells:
            readline.set_pre_input_hook(self._prompt_stands)
        self._line: asyncio.Future[str] | None = None
        self._lock = threading.Lock()
        self._coming = self._stands = self.visible = False
        self._held: list[str] = []

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """A line half-typed when the prompt goes is there again when it comes back."""
        with self._lock:
            self.visible = True
            self._draw()
        try:
            yield
        finally:
            with self._lock:
                self._erase()
                if self._coming:  # it may be on the screen already, with nobody told yet that it stands
                    sys.stdout.write("\r\x1b[J")
                    sys.stdout.flush()
                self.visible = False

    async def ask(self) -> list[str] | None:
        if self._line is None:
            self._coming, self._stands = self._tells, not self._tells
            self._line = asyncio.ensure_future(in_thread(self._input))
        try:
            line = await asyncio.shield(self._line)  # the thread outlives a conversation, and so does what it reads
        except EOFError:
            sys.stdout.write("\n")
            return None
        finally:
            if self._line.done():
                self._line = None
        return [line]

    def print_above(self, line: str) -> None:
        with self._lock:
            if self._coming:
                self._held.append(line)
            else:
                self._print(line)

    def _input(self) -> str:
        try:
            return input(f"\x01\r\x1b[K\x02{self._prompt}")  # on a clean row; between the marks is what has no width
        finally:
            with self._lock:
                self._coming = self._stands = False

    def _prompt_stands(self) -> None:
        with self._lock:
            self._coming, self._stands = False, True
            for line in self._held:
                self._print(line)
            self._held.clear()
            if not self.visible:
                self._erase()

    def _print(self, line: str) -> None:
        self._erase()
        sys.stdout.write(line + "\n")
        self._draw()
        sys.stdout.flush()

    def _erase(self) -> None:
        if self._stands:
            up = len(self._rows(self._before_cursor())) - 1
            sys.stdout.write("\r" + f"\x1b[{up}A" * (up > 0) + "\x1b[J")
            sys.stdout.flush()

    def _draw(self) -> None:
        if self._stands:
            rows, before = self._rows(self._typed()), self._rows(self._before_cursor())
            up, right = len(rows) - len(before), cells(before[-1])
            sys.stdout.write("\n".join(rows) + f"\x1b[{up}A" * (up > 0) + "\r" + f"\x1b[{right}C" * (right > 0))
            sys.stdout.flush()

    def _before_cursor(self) -> str:
        text = self._typed()
        return text if self._point is None else text.encode()[: self._point.value].decode(errors="ignore")

    def _rows(self, typed: str) -> list[str]:
        # Not shutil's function, which believes the environment, where COLUMNS may be the size of another terminal.
        return folded(self._prompt + shown(typed), os.get_terminal_size(1).columns or 80)


def shown(text: str) -> str:
    """What readline shows of a typed text: control characters as ^X."""
    return "".join(character if character >= " " else "^" + chr(ord(character) ^ 64) for character in text)


def cells(text: str) -> int:
    """How many columns a text takes on a screen."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def folded(text: str, columns: int) -> list[str]:
    """The rows that a text takes on a screen `columns` wide; behind a full one comes an empty one, where the cursor then is."""
    rows, used = [""], 0
    for character in text:
        width = cells(character)
        if used + width > columns:
            rows.append("")
            used = 0
        rows[-1] += character
        used += width
    return [*rows, ""] if used == columns else rows
