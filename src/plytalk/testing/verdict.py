"""What the checks have in common: a verdict in words, an event loop with an end, and a look for secrets in what is shown."""

import asyncio
import functools
import traceback
from base64 import b64encode
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from plytalk.core.contracts.peers import SessionSecrets

P = ParamSpec("P")
T = TypeVar("T")
PACKAGE = str(Path(__file__).parents[1])
PATIENCE = 10.0
"""How long, in seconds, something may take that ought to happen at once. Only a layer that hangs ever waits for it."""


def demand(condition: object, sentence: str) -> None:
    """Raises AssertionError, also where Python leaves out `assert`."""
    if not condition:
        raise AssertionError(sentence)


def judged(check: Callable[P, None]) -> Callable[P, None]:
    """Let a check raise nothing but AssertionError, whatever the layer raises."""

    @functools.wraps(check)
    def judge(*arguments: P.args, **options: P.kwargs) -> None:
        try:
            check(*arguments, **options)
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(
                f"The layer raises {type(error).__name__} ({error}){_raised_at(error)} where nothing is wrong."
            ) from error

    return judge


def _raised_at(error: Exception) -> str:
    """The last line on the way to an error that is not in this package."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(PACKAGE)]
    return f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run in its own event loop, and in its own thread where a loop runs already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(tidily(main))
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, tidily(main)).result()


async def tidily(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What comes of `main`; AssertionError where it leaves a task running or an exception in the event loop."""
    mishaps: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: mishaps.append(context))
    result = await main()
    await idle()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    demand(not left, f"The layer leaves tasks running: {left}. Await or cancel each task that you start.")
    if mishaps:
        error = mishaps[0].get("exception")
        raise AssertionError(f"An exception got lost in the event loop: {mishaps[0]['message']}.") from error
    return result


async def idle() -> None:
    """Let everything happen that is due."""
    for _ in range(20):
        await asyncio.sleep(0)


async def within(awaitable: Awaitable[T], otherwise: str, patience: float | None = None) -> T:
    """What comes of `awaitable`; AssertionError with `otherwise` if nothing does in `patience` seconds, or else PATIENCE."""
    try:
        async with asyncio.timeout(PATIENCE if patience is None else patience):
            return await awaitable
    except TimeoutError:
        raise AssertionError(otherwise) from None


def told(error: BaseException) -> str:
    """All that anybody is ever shown of an error: its text, its causes, its traceback."""
    return "".join(traceback.format_exception(error)) + repr(error)


def shows(text: str, secret: bytes) -> bool:
    """Whether a text gives a secret away, as it is or in a usual notation."""
    if len(secret) < 8:
        return False
    forms = (secret.hex(), secret.hex(" "), b64encode(secret).rstrip(b"=").decode(), repr(secret)[2:-1], secret.decode("latin-1"))
    return any(form in text or form.upper() in text for form in forms)


def demand_silence(text: str, secrets: SessionSecrets, where: str) -> None:
    """No key of `secrets` may be in `text`."""
    for key in (secrets.send, secrets.receive):
        demand(
            not shows(text, bytes(key)),
            f"There is a secret key in {where}. Nothing shown or logged may hold a key: leave it out of the text, and give "
            "classes that hold one a __repr__ without it (a dataclass prints its fields).",
        )
