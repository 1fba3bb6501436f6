"""The endpoint that listens, at one address or at several: accept, admission, open, and `handler.attach`.

The states of a server are drawn in `lifecycle.py`.

Without a feature that brings people together a server talks to one peer at a time, by its UI (`DirectHandler`). With one
(`GroupFeature`) every conversation is that feature's, and the UI takes part as one more member (`GroupHandler`).
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import CannotConnect, ChatError
from plytalk.core.contracts.events import notify
from plytalk.core.contracts.handler import GroupFeature
from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Listener
from plytalk.core.endpoints.arrival import Arrivals
from plytalk.core.endpoints.fair_queue import FairQueue
from plytalk.core.endpoints.handlers import DirectHandler, GroupHandler, Handler
from plytalk.core.endpoints.lifecycle import Lifecycle, State
from plytalk.core.stack.selection import Stack


class ListenAddress(NamedTuple):
    """Where a stack is listened for: with the server's own, its further doors, and the addresses for guests who speak another."""

    stack: Stack
    host: str
    port: int


class Door(NamedTuple):
    """An open listener of the server's own layers, and the stack with its transport."""

    stack: Stack
    address: str


class Server(Lifecycle):
    """The endpoint that listens. A peer whose handshake fails costs one notice and nothing else.

    `announce(doors)` gives sentences for the moment when it listens; `doors` are further addresses that lead to the same
    conversations, by other transports; `guests` are other stacks to listen for, where a feature brings all together.
    """

    def __init__(
        self,
        *args: Any,
        announce: Callable[[Sequence[Door]], Iterable[str]] = lambda doors: (),
        doors: Iterable[ListenAddress] = (),
        guests: Iterable[ListenAddress] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._announce = announce
        self._doors = [one._replace(stack=replace(self.stack, transport=one.stack.transport)) for one in doors]
        # One UI and one set of features for all: members on another stack join the same room.
        self._guests = [one._replace(stack=replace(one.stack, ui=self.stack.ui, features=self.stack.features)) for one in guests]
        self._group = next((feature for feature in self.stack.features if isinstance(feature, GroupFeature)), None)

    async def run(self, host: str, port: int, *, keep: bool = False) -> Ending:
        """Listen and talk: until everybody who came has left, or with `keep` until cancelled or stopped. Raises CannotConnect."""
        self.begin(keep)
        self.handler: Handler = GroupHandler(self, self._group) if self._group else DirectHandler(self)
        self.arrivals: list[Arrivals] = []
        self._queue = FairQueue()
        try:
            await self._open_doors([ListenAddress(self.stack, host, port), *self._doors])
            for guests in self._guests:
                await self._listen_for_guests(guests)
            for listener, arrivals in zip(tuple(self.listeners), self.arrivals, strict=True):
                self.start(self._accept(listener, arrivals))
            return await self.result
        except asyncio.CancelledError:  # once more, and it ends at once
            self.state = State.STOPPING
            await self._stop()
            raise
        finally:
            await self._close()

    async def _open_doors(self, addresses: Sequence[ListenAddress]) -> None:
        stack, several = self.stack, len(addresses) > 1
        stack.refuse(Role.RESPONDER)
        told = await self.prepare_layers(Role.RESPONDER, stack)
        doors: list[Door] = []
        for address in addresses:
            transport = address.stack.transport
            if transport is not stack.transport:
                told += await self.prepare_layer(Role.RESPONDER, transport)
            listener = await self._listen(address)
            doors.append(Door(address.stack, listener.address))
            sentence = f"Listening on {listener.address} with {f'{transport.name} | ' * several}{stack.short_line}."
            notify(stack.ui, sentence, "listening", address=listener.address, transport=transport.name)
        self.notice_all(told)
        self.call_hook(
            "server_opened", stack=stack, address=doors[0].address, hook=self._hook, end=self.finish, notice=self.notice
        )
        for sentence in self._announce(doors):
            notify(stack.ui, sentence)

    async def _listen_for_guests(self, address: ListenAddress) -> None:
        stack = address.stack
        stack.refuse(Role.RESPONDER)
        told = await self.prepare_layers(Role.RESPONDER, replace(stack, features=()))
        listener = await self._listen(address)
        sentence = f"Listening for guests on {listener.address} with {stack.short_line}."
        notify(self.stack.ui, sentence, "listening-for-guests", address=listener.address)
        self.notice_all(told)
        if warning := stack.warning():
            notify(self.stack.ui, f"Warning: {warning} This applies to everything said in the room of the guests.", "weak")

    async def _listen(self, address: ListenAddress) -> Listener:
        transport = address.stack.transport
        listener = await self.call_transport(transport, transport.listen, address.host, address.port)
        self.listeners.append(listener)
        arrivals = Arrivals(self, self.handler, address.stack, self._queue, lambda: sum(map(len, self.arrivals)))
        self.arrivals.append(arrivals)
        listener.screen(arrivals.screen)
        return listener

    async def _accept(self, listener: Listener, arrivals: Arrivals) -> None:
        while self.state is State.LISTENING or self.keeps or self._group:
            try:
                stream = await listener.accept()
            except CannotConnect:
                if self.state is not State.LISTENING:
                    return  # one conversation is enough
                raise
            arrivals.begin(stream)

    def reread(self) -> None:
        """Have all plugins reload what they keep of files; no connected peer is dropped."""
        for plugin in self._hook.reread.get_hookimpls():
            try:
                for sentence in plugin.function() or ():
                    self.show(sentence)
            except ChatError as error:
                self.show(f"{error.sentence} Nothing was changed.")
            except Exception as error:
                self.show(f"Reloading failed in {plugin.function.__module__}: {type(error).__name__}. Nothing was changed.")

    def stop(self) -> None:
        """Let nobody in any more, say goodbye to all, and end when they have gone or have had their time."""
        if self.state in (State.LISTENING, State.TALKING):
            self.state = State.STOPPING
            self.start(self._stop())

    async def _stop(self) -> None:
        await self.close_listeners()
        for arrivals in self.arrivals:
            arrivals.clear()
        for session in self.capacity:
            session.exit(reason=CloseReason.SHUTDOWN)
        await self.wait_for_tasks(self.limits.farewell)
        self.finish(Ending(EndedBy.US, "The server was told to end."))

    async def _close(self) -> None:
        await self.cancel_tasks()
        for session in self.capacity:
            session.exit()
            session.stream.close()
        await self.cancel_tasks()  # those that see them off
        await self.close_listeners()
        self.notices.summarise()
        await self.release_features()
