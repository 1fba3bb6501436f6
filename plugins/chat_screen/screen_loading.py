"""Loads the code that draws the input line while the program waits for the other side: it takes 45 ms, half of a start.

It is loaded in four parts, each while the loop has nothing else to do, so that it does not delay the messages of a handshake.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

from plytalk.core.registry.quick_loading import loading

PAUSE = 0.0005
"""The time for which the loop runs everything else before the next part is loaded, in seconds."""


def screen_parts() -> Iterator[None]:
    """Load one part of the screen after the other. Raises whatever a broken installation raises."""
    with loading():
        import plytalk.plugins.chat_screen.wrapping  # with the widths of all characters
    yield
    with loading():
        import prompt_toolkit  # noqa: F401
    yield
    with loading():
        import plytalk.plugins.chat_screen.chat_view
    yield
    with loading():
        import plytalk.plugins.chat_screen.prompts  # noqa: F401
    yield


async def load_screen() -> None:
    """Load the screen, part by part. Errors are ignored here: they are raised again where the screen is used."""
    with suppress(Exception):
        await asyncio.sleep(PAUSE)
        for _ in screen_parts():
            await asyncio.sleep(PAUSE)
