"""Nobody sits here: for a server that is left alone."""

import asyncio
import sys
from contextlib import suppress

from plytalk.core.hookspecs import hookimpl
from plytalk.core.layers import Conversation, Ui


class Nobody(Ui):
    """Shows no message and takes no words; notices go to standard error."""

    name = "none"
    present = False

    async def run(self, session: Conversation) -> None:
        await asyncio.get_running_loop().create_future()

    def message(self, text: str) -> None:
        """Nobody reads it."""

    def notice(self, sentence: str) -> None:
        with suppress(OSError):  # standard error is gone, and with it whoever could be told
            print(sentence, file=sys.stderr, flush=True)


@hookimpl
def layers() -> list[type[Nobody]]:
    return [Nobody]
