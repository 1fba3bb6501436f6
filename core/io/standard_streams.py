"""Standard input, output and error as a program finds them: closed, on a full disk, or with nobody at the other end.

`prepare` is called once, before anything is opened. Afterwards no socket can get the number of a standard stream, and a notice
that cannot be written is dropped, from wherever it comes.
"""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable
from typing import Any

from plytalk.core.contracts.errors import OutputFailed
from plytalk.core.io.descriptors import write_all
from plytalk.core.io.display import columns_of, wrapped

ERROR = 2


class ErrorOutput(io.TextIOBase):
    """Standard error. A line goes out whole; one that cannot be written is dropped.

    `shape` may make something else of each line, for programs that read them.
    """

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, encoding: str = "utf-8") -> None:
        self.encoding = encoding
        self.shape: Callable[[str], str] | None = None
        self._line = ""

    def write(self, text: str) -> int:
        *lines, self._line = (self._line + text).split("\n")
        self._put("".join(f"{self.shape(line) if self.shape else line}\n" for line in lines))
        return len(text)

    def flush(self) -> None:
        """Write half a line too, as a question is, unless lines are to be shaped."""
        if self._line and not self.shape:
            line, self._line = self._line, ""
            self._put(line)

    def _put(self, text: str) -> None:
        with contextlib.suppress(OSError):
            write_all(ERROR, text.encode(self.encoding, self.errors))

    def fileno(self) -> int:
        return ERROR

    def isatty(self) -> bool:
        return os.isatty(ERROR)

    def writable(self) -> bool:
        return True


class RawOutput(io.FileIO):
    """Standard output, which remembers that it failed: what buffers it does not always try again."""

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.failure = error
            raise


def prepare() -> None:
    """Open what is closed of the three on /dev/null, have standard error drop what it cannot write, and output remember it."""
    closed = [number for number in range(3) if not _is_open(number)]
    for number in closed:
        null = os.open(os.devnull, os.O_RDWR)
        if null != number:
            os.dup2(null, number)
            os.close(null)
        os.set_inheritable(number, True)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - as long as the program
    if sys.stdout is None or sys.stdout is sys.__stdout__:  # a program that runs this one may have its own
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(RawOutput(1, "w", closefd=False)),
            encoding=getattr(sys.stdout, "encoding", None),
            errors="backslashreplace",  # a terminal that knows few characters shows the others by their numbers
            line_buffering=os.isatty(1),
        )
    if sys.stderr is None or sys.stderr is sys.__stderr__:
        sys.stderr = ErrorOutput(getattr(sys.stderr, "encoding", None) or "utf-8")


def tell(sentence: str, whole: bool = False) -> None:
    """A line on standard error, if it can be written: on a terminal broken between words, unless it is to stay `whole`."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: somebody has closed the stream
        columns = None if whole or not sys.stderr.isatty() else columns_of(sys.stderr.fileno())
        print(wrapped(sentence, columns) if columns else sentence, file=sys.stderr, flush=True)


def shape_notices(shape: Callable[[str], str]) -> None:
    """From now on every line on standard error is what `shape` makes of it."""
    if isinstance(sys.stderr, ErrorOutput):
        sys.stderr.shape = shape


def flush_output() -> None:
    """Write what is buffered of standard output. Raises OutputFailed once; from then on it goes nowhere."""
    try:
        sys.stdout.flush()
        raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
        if isinstance(raw, RawOutput) and raw.failure:
            raise raw.failure
    except (OSError, ValueError) as error:
        raise discard_output(error) from None


def discard_output(error: Exception) -> OutputFailed:
    """Let what is still written to standard output go nowhere, after it has failed with this error."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
        sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if isinstance(raw, RawOutput):
        raw.failure = None
    why = (getattr(error, "strerror", None) or str(error)).lower()
    return OutputFailed(f"Standard output cannot be written: {why}.", nobody_reads=getattr(error, "errno", 0) == errno.EPIPE)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
