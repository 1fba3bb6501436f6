"""Faults in an event loop, outside of every conversation, told in a line each: asyncio would show tracebacks.

For example, the system has no file left for another connection, or a callback raises something, or a task that nobody awaits.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from plytalk.core.contracts.blame import blame_code
from plytalk.core.contracts.errors import REPORT_IT
from plytalk.core.contracts.sanitise import clean
from plytalk.core.endpoints.notices import Notices

T = TypeVar("T")


async def telling_faults(main: Coroutine[Any, Any, T], show: Callable[[str], None]) -> T:
    """Run `main`. `show` gets a sentence for each fault of the loop in which it runs; of many that are alike, their number."""
    notices = Notices(show)

    def tell(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        notices.tell(sentence_of(context["message"], context.get("exception")))

    asyncio.get_running_loop().set_exception_handler(tell)
    return await main


def sentence_of(message: str, error: BaseException | None) -> str:
    """What happened, from what asyncio passes to an exception handler."""
    what = clean(message.partition("(")[0]).rstrip(".")  # behind it stand the arguments of a callback, perhaps what was said
    if isinstance(error, OSError) and error.strerror:
        return f"{what}: {error.strerror.lower()}."
    if error and (fault := blame_code(error)):
        return f"{what}: {fault.sentence}"
    return f"{what}: {type(error).__name__}. {REPORT_IT}" if error else f"{what}. {REPORT_IT}"
