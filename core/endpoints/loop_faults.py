"""Tells exceptions in an event loop, outside of every conversation, in one line each; asyncio would print tracebacks.

SystemExit and KeyboardInterrupt pass through asyncio's loop. If a plugin raised one, the program goes on; Ctrl-C ends it.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from collections.abc import Set as AbstractSet
from types import CodeType
from typing import Any, TypeVar

from plytalk.core.contracts.errors import REPORT_IT
from plytalk.core.contracts.interruption import ENDS, Interruption, codes_of, handler_codes, raised_in
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.shortage import shortage
from plytalk.core.endpoints.notices import Notices

T = TypeVar("T")
MOST_IN_A_ROW = 10
"""How often the loop may be left in a row before it has done anything else: uvloop calls socket readers first."""
NEVER_RETRIEVED = "Task exception was never retrieved"
"""How asyncio says that nobody awaited a task. One of ENDS has been told by then."""


def run_telling_faults(
    main: Coroutine[Any, Any, T], show: Callable[[str], None], factory: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> T:
    """Run `main` as `asyncio.run` does, in a loop of `factory`. `show` gets a sentence for each fault; of many that are alike,
    their number.

    What a plugin raises in a callback, a task or its own thread ends neither `main` nor the loop. Ctrl-C does.
    """
    notices = Notices(show)
    try:
        return _run(main, notices, factory)
    finally:
        notices.summarise()  # also of what was told while the loop closed


def _run(main: Coroutine[Any, Any, T], notices: Notices, factory: Callable[[], asyncio.AbstractEventLoop] | None) -> T:
    with asyncio.Runner(loop_factory=factory) as runner:
        loop = runner.get_loop()
        loop.set_exception_handler(lambda _, context: tell_context(notices, context))
        task = loop.create_task(main)
        handlers: set[CodeType] = set()
        waiting: list[str] = []
        runs: list[asyncio.Task[Any]] = []
        with telling_threads(loop, notices):
            while True:
                try:
                    runner.run(_wait_for(task, handlers, runs))
                    return task.result()
                except ENDS as error:
                    if task.done() or _is_control_c(error, handlers) or len(waiting) == MOST_IN_A_ROW:
                        raise
                    waiting.append(sentence_of_end(error))
                    loop.call_soon(_tell_all, notices, waiting)


def _is_control_c(error: BaseException, handlers: AbstractSet[CodeType]) -> bool:
    """Whether the user has raised it, and not a plugin: at a question, by a signal, or before the loop ran."""
    is_of_loop = any(code.co_name.endswith("run_until_complete") for code in codes_of(error))  # uvloop's has its class before it
    return isinstance(error, Interruption) or raised_in(error, handlers) or not is_of_loop


def _tell_all(notices: Notices, waiting: list[str]) -> None:
    for sentence in waiting:
        notices.tell(sentence)
    waiting.clear()


async def _wait_for(task: "asyncio.Task[Any]", handlers: set[CodeType], runs: "list[asyncio.Task[Any]]") -> None:
    """Wait for the end of `task`. Called again each time the loop was left. Cancelling this cancels `task`.

    `handlers` gets the handlers of signals as they are while the loop runs; `runs` holds the one that waits now.
    """
    handlers |= handler_codes()
    before, runs[:] = [*runs], filter(None, [asyncio.current_task()])
    for run in before:
        run.cancel()
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        if asyncio.current_task() not in runs:
            return
        task.cancel()
        await asyncio.wait([task])
        if task.cancelled():
            raise


@contextlib.contextmanager
def telling_threads(loop: asyncio.AbstractEventLoop, notices: Notices) -> Iterator[None]:
    """Meanwhile, tell in a line what ends a thread. SystemExit is a usual way to end one."""

    def tell(ended: threading.ExceptHookArgs) -> None:
        if ended.exc_type is not SystemExit:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(notices.tell, sentence_of("Exception in a thread", ended.exc_value))

    before, threading.excepthook = threading.excepthook, tell
    try:
        yield
    finally:
        threading.excepthook = before


def tell_context(notices: Notices, context: dict[str, Any]) -> None:
    """Tell what asyncio passes to an exception handler."""
    message, error = context["message"], context.get("exception")
    if not (isinstance(error, ENDS) and message == NEVER_RETRIEVED):
        notices.tell(sentence_of(message, error, getattr(context.get("handle"), "_callback", None)))


def sentence_of(message: str, error: BaseException | None, callback: Callable[..., Any] | None = None) -> str:
    """What happened, in a callback where that is known."""
    what = clean(message.partition("(")[0]).rstrip(".!")  # behind it stand the arguments of a callback, perhaps what was said
    if short := shortage(error):  # first: with too many open files nothing can be looked up or imported
        return f"{what}: {short.sentence}"
    from plytalk.core.contracts.background_faults import blame_callback, blame_code  # for faults alone

    if error and (fault := blame_code(error) or (blame_callback(error, callback) if callback else None)):
        return f"{what}: {fault.sentence}"
    if isinstance(error, OSError) and error.strerror:
        return f"{what}: {error.strerror.lower()}."
    return f"{what}: {type(error).__name__}. {REPORT_IT}" if error else f"{what}. {REPORT_IT}"


def sentence_of_end(error: BaseException) -> str:
    """Say which plugin raised what would have ended the program."""
    from plytalk.core.contracts.background_faults import blame_callback, blame_code, callback_of

    fault = blame_code(error) or blame_callback(error, callback_of(error))
    return fault.sentence if fault else f"A callback in the event loop raised {type(error).__name__}. {REPORT_IT}"
