"""The signals that end a program end it as Ctrl-C does.

So goodbyes are said, the terminal is put back, and temporary files are removed.
"""

import _thread
import contextlib
import signal
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from sys import UnraisableHookArgs

REPEAT = 0.05
"""After how many seconds a lost interruption is repeated; what swallowed it has ended by then."""


def treat_as_control_c(tell_ignored: "Callable[[UnraisableHookArgs], object]" = sys.__unraisablehook__) -> None:
    """Make SIGTERM and SIGHUP interrupt the program as Control-C does. Called once, before a command runs.

    Python only prints what a `__del__` or the like raises. An interruption there is repeated; the rest goes to `tell_ignored`.
    """
    sys.unraisablehook = partial(repeat_interruption, tell_ignored)
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # A parent that ignores a signal, as nohup does, does so on purpose.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            with contextlib.suppress(ValueError):  # not in the main thread, so embedded in another program
                signal.signal(number, interrupt)


def interrupt(*_: object) -> None:
    """What Control-C does, also where a shell has started the program in the background and Control-C is ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def repeat_interruption(otherwise: "Callable[[UnraisableHookArgs], object]", lost: "UnraisableHookArgs") -> None:
    """Interrupt again if this is an interruption that was lost, and pass anything else to `otherwise`."""
    if isinstance(lost.exc_value, KeyboardInterrupt):
        with contextlib.suppress(RuntimeError):  # no thread is left, or Python ends anyway: raised here, it would be printed
            _thread.start_new_thread(_interrupt_again, ())
    else:
        otherwise(lost)


def _interrupt_again() -> None:
    time.sleep(REPEAT)
    is_handled = callable(signal.getsignal(signal.SIGTERM))
    _thread.interrupt_main(signal.SIGTERM if is_handled else signal.SIGINT)


def silence_unraisable() -> None:
    """Called after an interruption: an object that it left half made may fail in its `__del__`, which is not a fault."""
    sys.unraisablehook = lambda lost: None
