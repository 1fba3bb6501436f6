"""Loading what draws the input line while the other side is waited for: it takes 45 ms, as long as half of a start.

Each of four parts is loaded while the loop has nothing else to do, so that a handshake with four messages waits for none of its
answers.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

from plytalk.core.registry.quick_loading import loading

PAUSE = 0.0005
"""How long what else there is to do goes first, in seconds, before another part is loaded."""


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
    """Load the screen, part by part. What is broken is told where the screen is used."""
    with suppress(Exception):
        await asyncio.sleep(PAUSE)
        for _ in screen_parts():
            await asyncio.sleep(PAUSE)
