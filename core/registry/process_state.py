"""What belongs to the whole process, and what a plugin therefore must not change when it is imported.

What a library does for its own programs would break a conversation: with another handler of Ctrl-C no goodbye is said, and in
another folder the files that the user named are not found. Standard output and error are replaced for the import anyway.
"""

import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def keeping_process_state(changed: list[str]) -> Iterator[None]:
    """Put back what is changed meanwhile, and add what it was to `changed`."""
    before = list(_state())
    try:
        yield
    finally:
        for (what, was, put_back), (_, now, _) in zip(before, list(_state()), strict=True):
            if now != was:
                changed.append(what)
                with suppress(OSError, TypeError, ValueError):  # the folder has gone, or another thread
                    put_back(was)


def _state() -> Iterator[tuple[str, Any, Callable[[Any], object]]]:
    """The parts of it: what each is called, its value, and what puts a value back."""
    for name in SIGNALS:
        if number := getattr(signal, name, None):
            yield f"the handler of {name}", signal.getsignal(number), partial(signal.signal, number)
    yield "the current folder", _folder(), os.chdir
    yield "the filters of warnings", warnings.filters[:], partial(setattr, warnings, "filters")
    for name in ("excepthook", "unraisablehook"):
        yield f"sys.{name}", getattr(sys, name), partial(setattr, sys, name)


def _folder() -> str | None:
    with suppress(OSError):  # it has been removed
        return os.getcwd()
    return None
