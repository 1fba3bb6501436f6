"""Lines on a terminal, or lines through pipes.

On a terminal a prompt stands in the last line and what arrives is printed above it, so that a half-typed line is never garbled:
by prompt_toolkit where it is installed (the extra `tui`), by readline otherwise. Off a terminal the lines of standard input are
sent, and what arrives is printed in the same form without a prompt.
"""

import asyncio
import atexit
import contextlib
import ctypes
import os
import signal
import sys
import unicodedata
from collections.abc import Awaitable, Callable, Iterator
from shutil import get_terminal_size

from plytalk.core.errors import UnknownPeer
from plytalk.core.hookspecs import hookimpl
from plytalk.core.layers import Ui
from plytalk.core.lines import LineReader, LineWriter, in_thread
from plytalk.core.session import Ending, Session

PROMPT, RECEIVED = "Type Message: ", "Message Received: "
Prompt = Callable[[], Awaitable[list[str] | None]]


class Console(Ui):
    """Lines on a terminal (with a prompt) or through pipes (without)."""

    name = "console"

    def __init__(self) -> None:
        self._lines = LineReader(0)
        self._out = LineWriter(self._nobody_reads)
        self._session: Session | None = None
        self._readline: Readline | None = None

    @property
    def _terminal(self) -> bool:
        return sys.stdin.isatty() and sys.stdout.isatty()

    async def run(self, session: Session) -> None:
        with self._prompting() as prompt:
            while not session.ending:
                lines = await prompt()
                if lines is None:
                    session.exit()
                    return
                for index, line in enumerate(lines):
                    if session.ending:
                        self._lines.put_back(lines[index:])
                        return
                    session.say(line)
                await session.drain()

    @contextlib.contextmanager
    def _prompting(self) -> Iterator[Prompt]:
        if not self._terminal:
            yield self._lines.read
            return
        try:
            from prompt_toolkit import PromptSession
            from prompt_toolkit.patch_stdout import patch_stdout
        except ImportError:
            with self._prompting_without_toolkit() as prompt:
                yield prompt
            return
        # Do not ask the terminal where its cursor is: one line needs no answer, and then nothing waits for one.
        os.environ.setdefault("PROMPT_TOOLKIT_NO_CPR", "1")
        asking: PromptSession[str] = PromptSession(PROMPT, reserve_space_for_menu=0)

        async def ask() -> list[str] | None:
            try:
                text: str = await asking.prompt_async(set_exception_handler=False, handle_sigint=False)
                return text.split("\n")  # what was pasted may have several lines
            except EOFError:
                return None
            except KeyboardInterrupt:  # Ctrl-C came as a key: let it be the signal that it is without a prompt
                signal.raise_signal(signal.SIGINT)
                await asyncio.Event().wait()
                raise

        with patch_stdout(raw=True):
            yield ask

    @contextlib.contextmanager
    def _prompting_without_toolkit(self) -> Iterator[Prompt]:
        try:
            self._readline = self._readline or Readline()
        except ImportError:  # neither is there: no prompt then
            yield self._lines.read
            return
        with self._readline.shown():
            yield self._readline.ask

    def message(self, text: str) -> None:
        if self._readline and self._readline.visible:
            self._readline.print_above(RECEIVED + text)
        else:
            self._out.write(RECEIVED + text)

    def notice(self, sentence: str) -> None:
        if self._readline and self._readline.visible:
            self._readline.print_above(sentence)
        else:
            print(sentence, file=sys.stderr, flush=True)

    def _nobody_reads(self) -> None:
        if self._session:
            self._session.exit()

    def opened(self, session: Session) -> None:
        self._session = session
        self.notice(f"Talking to {session.address} over {session.stack.line}. Type exit to end.")

    def closed(self, session: Session, ending: Ending) -> None:
        self._out.flush()
        if not ending.error:
            self.notice(ending.reason)

    async def confirm(self, question: str, otherwise: str) -> bool:
        if not self._terminal:
            raise UnknownPeer(f"{question} Nobody can be asked off a terminal.", otherwise)
        print(question, end=" [yes/no] ", file=sys.stderr, flush=True)
        answer = await in_thread(lambda: os.read(0, 1024))
        return answer.strip().lower() in (b"yes", b"y")


class Readline:
    """A prompt by readline: `input` in a thread, and the prompt drawn anew, with what is typed so far, below each line printed.

    Raises ImportError where readline or a terminal's settings are unknown. readline itself can only be told to redraw from its
    own thread, so the drawing is done here; all it takes is the text and where the cursor stands in it.
    """

    def __init__(self) -> None:
        import readline
        import termios

        self._text = readline.get_line_buffer
        readline.parse_and_bind("set enable-bracketed-paste off")  # so that nothing is left switched on at the end
        atexit.register(termios.tcsetattr, 0, termios.TCSADRAIN, termios.tcgetattr(0))
        try:
            self._point: ctypes.c_int | None = ctypes.c_int.in_dll(ctypes.CDLL(readline.__file__), "rl_point")
        except (AttributeError, OSError, ValueError):  # a readline built into the interpreter: the cursor counts as at the end
            self._point = None
        self._typing: asyncio.Future[str] | None = None
        self.visible = False

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """The prompt is on the screen. A line half-typed when it goes is there again when it comes back."""
        self.visible = True
        if self._typing and not self._typing.done():
            self._draw()
        try:
            yield
        finally:
            self._erase()
            self.visible = False

    async def ask(self) -> list[str] | None:
        """The next line; None at the end of input."""
        if self._typing is None:
            self._typing = asyncio.ensure_future(in_thread(lambda: input(PROMPT)))
        try:
            line = await asyncio.shield(self._typing)  # the thread outlives a conversation, and so does what it reads
        except EOFError:
            sys.stdout.write("\n")
            return None
        finally:
            if self._typing.done():
                self._typing = None
        return [line]

    def print_above(self, line: str) -> None:
        self._erase()
        sys.stdout.write(line + "\n")
        self._draw()

    def _erase(self) -> None:
        if self._typing and not self._typing.done():
            up = _cells(PROMPT + self._before_cursor()) // get_terminal_size().columns
            sys.stdout.write("\r" + f"\x1b[{up}A" * (up > 0) + "\x1b[J")
            sys.stdout.flush()

    def _draw(self) -> None:
        if self._typing and not self._typing.done():
            columns = get_terminal_size().columns
            end, cursor = _cells(PROMPT + self._text()), _cells(PROMPT + self._before_cursor())
            up = end // columns - cursor // columns
            sys.stdout.write(PROMPT + _shown(self._text()) + "\n" * (end % columns == 0))
            sys.stdout.write(f"\x1b[{up}A" * (up > 0) + "\r" + f"\x1b[{cursor % columns}C" * (cursor % columns > 0))
        sys.stdout.flush()

    def _before_cursor(self) -> str:
        text = self._text()
        return text if self._point is None else text.encode()[: self._point.value].decode(errors="ignore")


def _shown(text: str) -> str:
    """What readline shows of a typed text: control characters as ^X."""
    return "".join(character if character >= " " else "^" + chr(ord(character) ^ 64) for character in text)


def _cells(text: str) -> int:
    """How many columns a text takes on the screen."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in _shown(text)
    )


@hookimpl
def layers() -> list[type[Console]]:
    return [Console]
