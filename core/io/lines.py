"""Lines in and out for programs and people: read without ever blocking the event loop, written once for a turn of it.

Reading works alike for pipes, files and terminals (asyncio's own reader refuses regular files). A daemon thread reads one piece
ahead and no further, so a fast writer waits in its pipe and not in our memory; what nobody has used is there for the next reader.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable

from plytalk.core.contracts.errors import OutputFailed, Usage
from plytalk.core.contracts.limits import DEFAULT_LIMITS
from plytalk.core.io.standard_streams import discard_output, flush_output, tell

BOM, UTF16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
"""How text in UTF-8 may begin, and how text in UTF-16 does (Unicode 23.8)."""

PIECE = 64 * 1024


class LineReader:
    """Reads `fd` from the first call of `read` on, as UTF-8 text; `notice` is told once if it is not.

    A line of more than `most` bytes is not kept whole: what is given of it is longer than that, and not what was written.
    """

    def __init__(self, fd: int, notice: Callable[[str], object] = tell, most: int = DEFAULT_LIMITS.message) -> None:
        self._fd = fd
        self._notice = notice
        self._most = most
        self._rest = bytearray()
        self._over = False
        self._number = 0
        self._told = False
        self._kept: list[str] = []
        self._pieces: asyncio.Queue[bytes] | None = None
        self._more = threading.Semaphore(2)

    async def read(self) -> list[str] | None:
        """The lines that have come, without their ends; None at the end of input. A last line without an end counts.

        One leading byte order mark is removed. Raises Usage for text in UTF-16.
        """
        if self._kept:
            kept, self._kept = self._kept, []
            return kept
        if self._pieces is None:
            self._pieces = asyncio.Queue()
            threading.Thread(target=self._run, args=(asyncio.get_running_loop(),), daemon=True).start()
        while not self._over:
            piece = await self._pieces.get()
            self._more.release()
            if piece:
                self._rest += piece
                if b"\n" in piece:
                    *lines, self._rest = self._rest.split(b"\n")
                    return [self._text(line) for line in lines]
                del self._rest[self._most + 1 :]
            else:
                self._over = True
                if self._rest and ((line := self._text(self._rest)) or self._number > 1):  # not a byte order mark alone
                    return [line]
        return None

    def put_back(self, lines: list[str]) -> None:
        """Keep lines that were read and not used for the next `read`."""
        self._kept = lines + self._kept

    def _text(self, line: bytearray) -> str:
        self._number += 1
        if self._number == 1:
            if line.startswith(UTF16):
                raise Usage("Standard input is text in UTF-16.", "Convert it to UTF-8: iconv -f UTF-16 -t UTF-8 FILE | chat ...")
            line = line.removeprefix(BOM)
        line = line.removesuffix(b"\r")
        if len(line) > self._most:
            return line.decode(errors="replace")  # it may be cut within a character, and becomes no shorter so
        try:
            return line.decode()
        except UnicodeDecodeError:
            if not self._told:
                self._told = True
                self._notice(
                    f"Line {self._number} of standard input is not UTF-8: what is not is replaced by \N{REPLACEMENT CHARACTER}, "
                    "here and in later lines."
                )
            return line.decode(errors="replace")

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        piece = b"more"
        while piece:
            self._more.acquire()
            try:
                piece = os.read(self._fd, PIECE)
            except OSError:
                piece = b""
            try:
                loop.call_soon_threadsafe(self._pieces.put_nowait, piece)  # type: ignore[union-attr]
            except RuntimeError:  # the loop has ended, and the program with it
                return


class LineWriter:
    """Writes lines to standard output. Once that fails it calls `gone`, and is silent."""

    def __init__(self, gone: Callable[[], None]) -> None:
        self._gone = gone
        self._flushing = False
        self._failure: OutputFailed | None = None

    def write(self, line: str) -> None:
        """Write a line; it is flushed at the end of this turn of the loop, together with all that follow within it."""
        try:
            sys.stdout.write(line + "\n")
        except UnicodeEncodeError:  # a screen that knows fewer characters than people do
            encoding = sys.stdout.encoding
            sys.stdout.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        except (OSError, ValueError) as error:
            self.fail(error)
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        self._flushing = False
        try:
            flush_output()
        except OutputFailed as failure:
            self._failed(failure)

    def finish(self) -> None:
        """Flush. Raises OutputFailed, once, if not everything could be written."""
        self.flush()
        if failure := self._failure:
            self._failure = None
            raise failure

    def fail(self, error: Exception) -> None:
        """Standard output has failed with this error, no matter which part wrote to it."""
        self._failed(discard_output(error))

    def _failed(self, failure: OutputFailed) -> None:
        self._failure = failure
        self._gone()
