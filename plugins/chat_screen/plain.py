"""Lines of a terminal without any escape sequence: a prompt in plain text, and the system's own line editing.

For TERM=dumb, and for a prompt_toolkit that does not load. What the terminal has not handed over stays there until it is wanted.
"""

import asyncio
import contextlib
import io
import os
import select
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from plytalk.core.contracts.errors import UnknownPeer
from plytalk.core.contracts.questions import Question
from plytalk.core.io.lines import LineReader

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

PIECE = 64 * 1024
FRAME = 0.1
"""How long nothing may come, in seconds, before the prompt is drawn below what came."""


class Plain:
    """Whole lines from the terminal `fd`."""

    def __init__(self, text: str, fd: int = 0) -> None:
        self._text, self._fd = text, fd
        self._shown = self._stands = self._standing_soon = False
        self._question = ""
        self._reader = LineReader(fd)  # for systems whose loop cannot wait for a terminal
        self._rest = b""
        self._lines: list[str] = []
        self._chat: asyncio.Future[bool] | None = None
        self._answer: asyncio.Future[str | None] | None = None

    @property
    def visible(self) -> bool:
        """Whether a prompt or a question is in the last row, or may be."""
        return self._shown or self._answer is not None

    @contextlib.asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """For a conversation."""
        self._shown = True
        above = Above(sys.stderr, self.print_above) if sys.stderr.isatty() else sys.stderr
        try:
            with contextlib.redirect_stderr(above):
                yield
        finally:
            self._shown = False
            self._clear()

    async def lines(self) -> list[str] | None:
        """The next lines of the chat; None at the end of input."""
        if termios is None:
            return await self._reader.read()
        while not self._lines:
            self._chat = asyncio.get_running_loop().create_future()
            self._listen()
            self._stand()
            try:
                if not await self._chat:
                    return None
            finally:
                self._chat = None
                self._listen()
        lines, self._lines = self._lines, []
        return lines

    async def answer(self, question: Question) -> str | None:
        """The next line typed after the question is printed; None at the end of input."""
        if termios is None:
            raise UnknownPeer(f"{question.text} Nobody can be asked on this terminal.", question.otherwise)
        half = self._take_typed()
        self._clear()
        self._question = f"{question.sentence} [yes/no] "
        self._answer = asyncio.get_running_loop().create_future()
        self._listen()
        self._stand()
        try:
            return await self._answer
        finally:
            self._clear()
            self._answer = None
            self._listen()
            self._rest = half
            self._stand()

    # -- writing ----------------------------------------------------------------------------------------------------------

    def print_above(self, line: str) -> None:
        """Print a line, and the prompt again once nothing more has come for a moment."""
        self._clear()
        self._write(line + "\n")
        if not self._standing_soon:
            self._standing_soon = True
            asyncio.get_running_loop().call_later(FRAME, self._stand)

    def _stand(self) -> None:
        self._standing_soon = False
        if self._stands or not (self._chat or self._answer):
            return
        self._stands = True
        with contextlib.suppress(OSError):
            self._write(self._question if self._answer else self._text + self._rest.decode(errors="replace"))

    def _clear(self) -> None:
        if self._stands:
            self._stands = False
            self._write("\n")

    @staticmethod
    def _write(text: str) -> None:
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()

    # -- reading ----------------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Read while somebody waits, and leave everything else where it is."""
        loop = asyncio.get_running_loop()
        if self._chat or self._answer:
            loop.add_reader(self._fd, self._read)
        else:
            loop.remove_reader(self._fd)

    def _read(self) -> None:
        try:
            piece = os.read(self._fd, PIECE)
        except OSError:  # it has hung up
            piece = b""
        if not piece:
            self._end()
            return
        *lines, self._rest = (self._rest + piece).split(b"\n")
        self._stands = self._stands and not lines  # Enter has ended its row
        for line in lines:
            self._came(line.removesuffix(b"\r").decode(errors="replace"))

    def _came(self, line: str) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(line)
        elif not self._answer:
            self._lines.append(line)
            if self._chat and not self._chat.done():
                self._chat.set_result(True)

    def _end(self) -> None:
        """Control-D, which on a terminal ends only what waits for it; or the end of the terminal."""
        if self._answer and not self._answer.done():
            self._answer.set_result(None)
        elif self._chat and not self._chat.done():
            self._chat.set_result(False)

    def _take_typed(self) -> bytes:
        """Drop what was typed until now, and give the half-typed line of the chat."""
        typed = self._rest + b"".join(unread(self._fd))
        self._rest = b""
        return typed.rpartition(b"\n")[2] if self._chat else b""


def unread(fd: int) -> Iterator[bytes]:
    """What has been typed and not been read, half a line included."""
    before = termios.tcgetattr(fd)
    raw = [*before[:3], before[3] & ~termios.ICANON, *before[4:]]
    termios.tcsetattr(fd, termios.TCSANOW, raw)
    try:
        for _ in range(64):  # what never stops is cut off below
            if not select.select([fd], [], [], 0)[0] or not (piece := os.read(fd, PIECE)):
                break
            yield piece
    finally:
        termios.tcsetattr(fd, termios.TCSANOW, before)
        termios.tcflush(fd, termios.TCIFLUSH)


@contextlib.contextmanager
def without_echo(fd: int = 0) -> Iterator[None]:
    """Keys are neither echoed nor held back until Enter; Ctrl-C and Ctrl-Z are still signals."""
    if termios is None:
        yield
        return
    try:
        before = termios.tcgetattr(fd)
        quiet = [*before[:3], before[3] & ~(termios.ICANON | termios.ECHO), *before[4:]]
        termios.tcsetattr(fd, termios.TCSANOW, quiet)
    except termios.error:  # it has hung up
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(fd, termios.TCSANOW, before)


class Above(io.TextIOBase):
    """A stream whose lines are printed above the input line."""

    def __init__(self, stream: Any, show: Callable[[str], None]) -> None:
        self._stream, self._show, self._rest = stream, show, ""
        self._loop = asyncio.get_running_loop()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self._stream.encoding)

    def fileno(self) -> int:
        return int(self._stream.fileno())

    def isatty(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            try:
                asyncio.get_running_loop()
                self._show(line)
            except RuntimeError:  # in another thread
                self._loop.call_soon_threadsafe(self._show, line)
        return len(text)


@contextlib.contextmanager
def streams_above(show: Callable[[str], None]) -> Iterator[None]:
    """For as long as the input line is shown, anything that is printed on the terminal comes above it."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (Above(stream, show) if stream.isatty() else stream for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
