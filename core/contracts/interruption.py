"""The exceptions that pass through a layer and are not its fault: the user's interruption, and the cancellation of a task.

Every other exception is the layer's fault, even one that would end the program: if a layer calls sys.exit(), as argparse does,
all other conversations must go on.
"""

import signal
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from traceback import walk_tb
from types import CodeType
from typing import Any

ENDS = (SystemExit, KeyboardInterrupt)
"""What asyncio lets pass through its loop."""
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
"""The signals with handlers that may raise KeyboardInterrupt. Not every system has all of them."""


class Interruption(KeyboardInterrupt):
    """Ctrl-C at a question: there it is a key and not a signal, or the signal has another handler."""


def let_through(error: BaseException) -> None:
    """Raise an exception again unless it is the fault of the layer that raised it."""
    from asyncio import CancelledError, current_task  # already loaded here; not needed by commands that do not talk

    is_signal = isinstance(error, Interruption) or (isinstance(error, KeyboardInterrupt) and _is_by_signal(error))
    is_cancelled = isinstance(error, CancelledError) and _is_cancelled(current_task)
    try:
        if is_signal or is_cancelled:
            raise error
    finally:
        del error  # its traceback refers to this frame: a reference cycle, which would keep the connection


@contextmanager
def ignore_faults() -> Iterator[None]:
    """Ignore every fault of a layer in this block."""
    try:
        yield
    except BaseException as error:
        let_through(error)


def _is_by_signal(error: KeyboardInterrupt) -> bool:
    """Whether the handler of a signal raised it. Python's own handler is written in C and is not in the traceback."""
    return signal.default_int_handler in _handlers() or raised_in(error, handler_codes())


def raised_in(error: BaseException, codes: AbstractSet[CodeType]) -> bool:
    """Whether one of these codes raised it."""
    passed = codes_of(error)
    return bool(passed) and passed[-1] in codes


def codes_of(error: BaseException) -> list[CodeType]:
    """The codes through which it has passed; the last one raised it."""
    return [frame.f_code for frame, _ in walk_tb(error.__traceback__)]


def handler_codes() -> set[CodeType]:
    """The codes of the handlers of SIGNALS, as far as they are written in Python."""
    return {code for handler in _handlers() if (code := _code_of(handler))}


def _handlers() -> list[Any]:
    return [signal.getsignal(getattr(signal, name)) for name in SIGNALS if hasattr(signal, name)]


def _code_of(handler: Any) -> CodeType | None:
    """The code of a handler, which asyncio's Runner wraps in a `partial`."""
    code: CodeType | None = getattr(getattr(handler, "func", handler), "__code__", None)
    return code


def _is_cancelled(current_task: Callable[[], Any]) -> bool:
    try:
        task = current_task()
    except RuntimeError:  # outside of a loop
        return False
    return task is not None and task.cancelling() > 0
