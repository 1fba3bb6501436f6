"""Exceptions in an event loop, outside of every conversation, each told in one line. asyncio would show tracebacks.

For example, the system has no file descriptor left for another connection, or a callback or a task that nobody awaits raises an
exception.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from plytalk.core.contracts.blame import blame_code
from plytalk.core.contracts.errors import REPORT_IT
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.shortage import shortage
from plytalk.core.endpoints.notices import Notices

T = TypeVar("T")


async def telling_faults(main: Coroutine[Any, Any, T], show: Callable[[str], None]) -> T:
    """Run `main`. `show` gets a sentence for each fault of its event loop; for many similar ones, their number."""
    notices = Notices(show)

    def tell(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        notices.tell(sentence_of(context["message"], context.get("exception")))

    asyncio.get_running_loop().set_exception_handler(tell)
    return await main


def sentence_of(message: str, error: BaseException | None) -> str:
    """Return what happened, from the context that asyncio passes to an exception handler."""
    what = clean(message.partition("(")[0]).rstrip(".")  # the rest has the arguments of a callback, perhaps a message
    if isinstance(error, OSError) and error.strerror:
        return f"{what}: {error.strerror.lower()}."
    if error and (fault := shortage(error) or blame_code(error)):
        return f"{what}: {fault.sentence}"
    return f"{what}: {type(error).__name__}. {REPORT_IT}" if error else f"{what}. {REPORT_IT}"
