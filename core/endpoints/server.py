"""The endpoint that listens: accept, admission, open, and `handler.attach`. Its states are drawn in `lifecycle.py`.

Without a feature that brings people together a server talks to one peer at a time, by its UI (`DirectHandler`). With one
(`GroupFeature`) every conversation is that feature's, and the UI takes part as one more member (`GroupHandler`).
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import CannotConnect, ChatError
from plytalk.core.contracts.events import notify
from plytalk.core.contracts.handler import GroupFeature
from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Listener
from plytalk.core.endpoints.arrival import Arrivals
from plytalk.core.endpoints.handlers import DirectHandler, GroupHandler, Handler
from plytalk.core.endpoints.lifecycle import Lifecycle, State
from plytalk.core.stack.selection import Stack


class ListenAddress(NamedTuple):
    """Where a stack is listened for: with the server's own, the addresses for guests who speak another."""

    stack: Stack
    host: str
    port: int


class Server(Lifecycle):
    """The endpoint that listens. A peer whose handshake fails costs one notice and nothing else.

    `announce(address)` gives sentences for the moment when it listens; `guests` are other stacks to listen for, where a feature
    brings all together.
    """

    def __init__(
        self,
        *args: Any,
        announce: Callable[[str], Iterable[str]] = lambda address: (),
        guests: Iterable[ListenAddress] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._announce = announce
        # One UI and one set of features for all: members on another stack join the same room.
        self._guests = [one._replace(stack=replace(one.stack, ui=self.stack.ui, features=self.stack.features)) for one in guests]
        self._group = next((feature for feature in self.stack.features if isinstance(feature, GroupFeature)), None)

    async def run(self, host: str, port: int, *, keep: bool = False) -> Ending:
        """Listen and talk: until everybody who came has left, or with `keep` until cancelled or stopped. Raises CannotConnect."""
        self.begin(keep)
        self.handler: Handler = GroupHandler(self, self._group) if self._group else DirectHandler(self)
        self.arrivals = Arrivals(self, self.handler)
        addresses = [ListenAddress(self.stack, host, port), *self._guests]
        try:
            for address in addresses:
                await self._listen(address)
            for listener, address in zip(tuple(self.listeners), addresses, strict=True):
                self.start(self._accept(listener, address.stack))
            return await self.result
        except asyncio.CancelledError:  # once more, and it ends at once
            self.state = State.STOPPING
            await self._stop()
            raise
        finally:
            await self._close()

    async def _listen(self, address: ListenAddress) -> None:
        stack, guests = address.stack, bool(self.listeners)
        stack.refuse(Role.RESPONDER)
        told = await self.prepare_layers(Role.RESPONDER, replace(stack, features=()) if guests else stack)
        listener = await self.call_transport(stack.transport, stack.transport.listen, address.host, address.port)
        self.listeners.append(listener)
        listener.screen(partial(self.arrivals.screen, stack))
        sentence = f"Listening {'for guests ' * guests}on {listener.address} with {stack.short_line}."
        notify(self.stack.ui, sentence, "listening-for-guests" if guests else "listening", address=listener.address)
        self.notice_all(told)
        if guests and (warning := stack.warning()):
            notify(self.stack.ui, f"Warning: {warning} This applies to everything said in the room of the guests.", "weak")
        if not guests:
            self.call_hook(
                "server_opened", stack=stack, address=listener.address, hook=self._hook, end=self.finish, notice=self.notice
            )
            for sentence in self._announce(listener.address):
                notify(self.stack.ui, sentence)

    async def _accept(self, listener: Listener, stack: Stack) -> None:
        while self.state is State.LISTENING or self.keeps or self._group:
            try:
                stream = await listener.accept()
            except CannotConnect:
                if self.state is not State.LISTENING:
                    return  # one conversation is enough
                raise
            self.arrivals.begin(stream, stack)

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
        self.arrivals.clear()
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
