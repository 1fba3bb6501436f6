"""What belongs to the whole process, and what a plugin therefore must not change when it is imported.

What a library does for its own programs would break a conversation: with another handler of Ctrl-C no goodbye is said, and in
another folder the files that the user named are not found.
"""

import io
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import partial
from time import monotonic
from typing import Any

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
LONG = 1.0
"""How many seconds an import may take before an interruption says which plugin it was waiting for."""


class Printed(io.StringIO):
    """What a plugin prints, also if it closes standard output."""

    def close(self) -> None: ...


class SideEffects:
    """What an import did besides: what it printed, and what it changed of the process."""

    def __init__(self) -> None:
        self.printed = Printed()
        self.changed: list[str] = []


@contextmanager
def keeping_process_state(if_interrupted: str) -> Iterator[SideEffects]:
    """Print nothing, and put back what is changed meanwhile. An interruption after a long time gets the note `if_interrupted`."""
    effects, before, began = SideEffects(), list(_state()), monotonic()
    try:
        with redirect_stdout(effects.printed), redirect_stderr(effects.printed):
            yield effects
    except KeyboardInterrupt as interruption:
        if monotonic() - began > LONG:
            interruption.add_note(if_interrupted)
        raise
    finally:
        for (what, was, put_back), (_, now, _) in zip(before, list(_state()), strict=True):
            if now != was:
                effects.changed.append(what)
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
