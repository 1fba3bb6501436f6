"""A profile's stack in the test's own process, with a UI that remembers all it is told."""

import asyncio

from msgspec.structs import replace

from plytalk.core.contracts.events import Closed, Message, Notice
from plytalk.core.contracts.ui import Ui
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose_named


class Memo(Ui):
    """Remembers what it is shown; says nothing by itself."""

    name = "memo"

    def __init__(self) -> None:
        self.messages: asyncio.Queue[str] = asyncio.Queue()
        self.notices: list[str] = []
        self._more = asyncio.Event()
        self.address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ending = None

    async def run(self, session):
        await asyncio.Event().wait()

    def show(self, event):
        match event:
            case Message(own=False):
                self.messages.put_nowait(event.text)
            case Notice(code="listening"):
                self.address.set_result(event.data["address"])
            case Closed(final=True):
                self.ending = event
        if isinstance(event, Notice):
            self.notices.append(event.text)
            self._more.set()

    async def told(self, part):
        """Wait for a notice that has `part` in it."""
        while not any(part in notice for notice in self.notices):
            self._more.clear()
            await self._more.wait()


def stack_of(profile: str, **options) -> tuple[Stack, Memo]:
    """The stack of a profile, and its UI. Needs a running loop."""
    registry = Registry()
    chosen = choose_named(registry.profile(profile).layers, registry.layer)
    memo = Memo()
    return replace(Stack.build(chosen, options), ui=memo), memo
