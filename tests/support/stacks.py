"""A profile's stack in the test's own process, with a UI that remembers all it is told."""

import asyncio
from dataclasses import replace

from plytalk.core.contracts.ui import Ui
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose


class Memo(Ui):
    """Remembers what it is shown; says nothing by itself."""

    name = "memo"

    def __init__(self) -> None:
        self.messages: asyncio.Queue[str] = asyncio.Queue()
        self.notices: list[str] = []
        self._more = asyncio.Event()
        self.address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ending = None

    def waiting(self, address):
        self.address.set_result(address)

    async def run(self, session):
        await asyncio.Event().wait()

    def message(self, text):
        self.messages.put_nowait(text)

    def notice(self, sentence):
        self.notices.append(sentence)
        self._more.set()

    async def told(self, part):
        """Wait for a notice that has `part` in it."""
        while not any(part in notice for notice in self.notices):
            self._more.clear()
            await self._more.wait()

    def closed(self, session, ending):
        self.ending = ending


def stack_of(profile: str, **options) -> tuple[Stack, Memo]:
    """The stack of a profile, and its UI. Needs a running loop."""
    registry = Registry()
    chosen = choose({kind: [name] for kind, name in registry.profile(profile).layers.items()}, {}, registry.layer)
    memo = Memo()
    return replace(Stack.build(chosen, options), ui=memo), memo
