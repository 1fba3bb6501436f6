"""The state of the whole process, which the import of a plugin must not change.

A plugin may import a library that changes it. That would break a conversation: with another SIGINT handler, Ctrl-C sends no
goodbye, and in another folder, the files that the user named are not found.
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

from plytalk.core.io.descriptors import mask_of_user

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE", "SIGCHLD")
"""The signals that a conversation needs: SIGPIPE ends a process that writes to a peer that is gone, unless it is ignored."""
LONG = 1.0
"""How many seconds an import may take before an interruption says which plugin it was waiting for."""


class Printed(io.StringIO):
    """Collects what a plugin prints, even after the plugin has closed standard output."""

    def close(self) -> None: ...


class SideEffects:
    """The side effects of an import: what it printed, and which parts of the process state it changed."""

    def __init__(self) -> None:
        self.printed = Printed()
        self.changed: list[str] = []
        self.left: list[str] = []
        """Those that could not be restored."""


@contextmanager
def keeping_process_state(if_interrupted: str) -> Iterator[SideEffects]:
    """Capture output and restore the process state. A KeyboardInterrupt after more than LONG gets the note `if_interrupted`."""
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
                try:
                    put_back(was)
                    effects.changed.append(what)
                except (OSError, TypeError, ValueError):  # the folder was removed, or this is not the main thread
                    effects.left.append(what)


def _state() -> Iterator[tuple[str, Any, Callable[[Any], object]]]:
    """Yield each part of the process state: its name, its value, and a function that restores a value."""
    for name in SIGNALS:
        if number := getattr(signal, name, None):
            yield f"the {name} handler", signal.getsignal(number), partial(signal.signal, number)
    yield "the current folder", _folder(), os.chdir
    yield "the umask", 0o777 & ~mask_of_user(), os.umask
    yield "the warning filters", warnings.filters[:], partial(setattr, warnings, "filters")
    for name in ("excepthook", "unraisablehook"):
        yield f"sys.{name}", getattr(sys, name), partial(setattr, sys, name)


def _folder() -> str | None:
    with suppress(OSError):  # it has been removed
        return os.getcwd()
    return None
