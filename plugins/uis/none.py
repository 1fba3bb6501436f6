"""A UI without a user, for an unattended server."""

import asyncio

from plytalk.core.contracts.events import Error, Event, Notice, is_way_in
from plytalk.core.contracts.ui import Conversation, Ui
from plytalk.core.io.event_lines import lines_of
from plytalk.core.io.standard_streams import tell
from plytalk.core.registry.hookspecs import hookimpl


class Nobody(Ui):
    """Shows no messages and takes no input; notices go to standard error."""

    name = "none"
    present = False
    shows_own = False

    async def run(self, session: Conversation) -> None:
        await asyncio.get_running_loop().create_future()

    def show(self, event: Event) -> None:
        if isinstance(event, Notice | Error):
            for line in lines_of(event):
                tell(line, whole=is_way_in(event))


@hookimpl
def layers() -> list[type[Nobody]]:
    return [Nobody]
