"""What comes out of a layer and is not its fault: the user's interruption, and the end of a task that was cancelled.

Everything else is its fault, also what would end the program: sys.exit() in a layer, as argparse calls it, must not end the
chats of all others.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import walk_tb
from types import CodeType
from typing import Any

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
"""Those whose handlers may raise KeyboardInterrupt. Not every system has all of them."""


class Interruption(KeyboardInterrupt):
    """Ctrl-C at a question: there it is a key and not a signal, or a signal with another handler for that time."""


def let_through(error: BaseException) -> None:
    """Raise it again unless it is the fault of the layer that it came out of."""
    from asyncio import CancelledError, current_task  # loaded by then, and not by commands that talk to nobody

    is_signal = isinstance(error, Interruption) or (isinstance(error, KeyboardInterrupt) and _is_by_signal(error))
    is_cancelled = isinstance(error, CancelledError) and _is_cancelled(current_task)
    try:
        if is_signal or is_cancelled:
            raise error
    finally:
        del error  # its traceback has this frame: a reference cycle, which keeps a connection until a garbage collection


@contextmanager
def ignore_faults() -> Iterator[None]:
    """Go on after whatever a layer does wrong here."""
    try:
        yield
    except BaseException as error:
        let_through(error)


def _is_by_signal(error: KeyboardInterrupt) -> bool:
    """Whether the handler of a signal raised it. Python's own is written in C, and cannot be seen in a traceback."""
    handlers = [signal.getsignal(getattr(signal, name)) for name in SIGNALS if hasattr(signal, name)]
    if signal.default_int_handler in handlers:
        return True
    codes = [frame.f_code for frame, _ in walk_tb(error.__traceback__)]
    return codes[-1] in map(_code_of, handlers)


def _code_of(handler: Any) -> CodeType | None:
    """The code of a handler, which asyncio's Runner gives an argument in advance."""
    code: CodeType | None = getattr(getattr(handler, "func", handler), "__code__", None)
    return code


def _is_cancelled(current_task: Callable[[], Any]) -> bool:
    try:
        task = current_task()
    except RuntimeError:  # outside of a loop
        return False
    return task is not None and task.cancelling() > 0
