"""Ask the person at standard input, if there is one, for what must not be seen."""

import contextlib
import os
import select
import signal
import stat
import sys
import warnings
from collections.abc import Iterator

from plytalk.core.contracts.errors import UnknownPeer
from plytalk.core.contracts.interruption import Interruption


def secret(prompt: str) -> str:
    """Read a line from the terminal without echoing it. A pipe is never read: without a terminal, raises UnknownPeer."""
    from getpass import GetPassWarning, getpass  # few runs ask

    try:
        with interruptible(), warnings.catch_warnings():
            warnings.simplefilter("error", GetPassWarning)  # so the library says that it would show what is typed
            return getpass(prompt)
    except (GetPassWarning, EOFError):
        raise UnknownPeer(
            f"{prompt.rstrip(': ')} is needed, and there is no terminal to ask on.", "Start it in a terminal."
        ) from None


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C end what blocks the event loop. The loop's own handler would wait for that to end."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise Interruption from None
    finally:
        signal.signal(signal.SIGINT, before)


def has_no_input() -> bool:
    """Whether standard input is /dev/null, or closed."""
    try:
        return os.path.samestat(os.fstat(0), os.stat(os.devnull))
    except OSError:
        return True


def is_empty() -> bool:
    """Whether nothing can come from standard input any more: also a file read to its end, or a pipe whose writer has gone."""
    if has_no_input() or sys.platform == "win32":
        return has_no_input()
    about = os.fstat(0)
    if stat.S_ISREG(about.st_mode):
        return os.lseek(0, 0, os.SEEK_CUR) >= about.st_size
    if not stat.S_ISFIFO(about.st_mode):
        return False
    poll = select.poll()
    poll.register(0, select.POLLIN)
    return any(event & select.POLLHUP and not event & select.POLLIN for _, event in poll.poll(0))
