"""The endpoint that listens, at one address or at several: accept, admission, open, and `handler.attach`.

The states of a server are drawn in `lifecycle.py`.

Without a group feature, a server talks to one peer at a time, through its UI (`DirectHandler`). With a `GroupFeature`, that
feature gets every conversation, and the UI takes part as one more member (`GroupHandler`).
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from msgspec.structs import replace

from plytalk.core.contracts.blame import blame_hook, blaming
from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import CannotConnect, ChatError, Usage
from plytalk.core.contracts.events import WAY_IN, notify
from plytalk.core.contracts.handler import GroupFeature
from plytalk.core.contracts.interruption import ignore_faults, let_through
from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.optional import listening
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.transport import Listener
from plytalk.core.contracts.wire import TellsWire
from plytalk.core.endpoints.arrival import Arrivals
from plytalk.core.endpoints.endpoint import BEFORE_THE_START
from plytalk.core.endpoints.fair_queue import FairQueue
from plytalk.core.endpoints.handlers import DirectHandler, GroupHandler, Handler
from plytalk.core.endpoints.lifecycle import Lifecycle, State
from plytalk.core.endpoints.listening import Door, WayIn, listening_sentences
from plytalk.core.endpoints.watchdog import Watchdog
from plytalk.core.io.address import join_address
from plytalk.core.pipeline.tracing import unit_teller
from plytalk.core.stack.selection import Stack

Announce = Callable[[Sequence[Door], Sequence[Door]], Iterable[str | WayIn]]


class ListenAddress(NamedTuple):
    """An address to listen at: the server's own, a further door, or one for guests with another stack."""

    stack: Stack
    host: str
    port: int
    name: str = ""
    """The profile of the guests."""


def refuse_one_place(addresses: Iterable[ListenAddress]) -> None:
    """Raise Usage if two of these addresses are the same."""
    taken: set[tuple[str, ...]] = set()
    for stack, host, port, _ in addresses:
        transport = stack.transport
        place = (transport.name, host) if transport.names_place else (join_address(host, port),)
        if place in taken and (port or transport.names_place):
            raise Usage(f"The server would listen twice at {':'.join(place)}.", "Leave out one, or give it another place.")
        taken.add(place)


class Server(Lifecycle):
    """The endpoint that listens. A peer whose handshake fails costs one notice and nothing else.

    `announce(doors, guests)` returns the sentences to show when the server listens. `doors` are further addresses for the same
    conversations, with other transports; `guests` are addresses for other stacks, with a group feature. `said` is what the user
    has been told of this end so far.
    """

    def __init__(
        self,
        *args: Any,
        announce: Announce = lambda doors, guests: (),
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
        """Listen and talk until everybody who came has left, or with `keep` until cancelled or stopped. Raises CannotConnect."""
        self.begin(keep)
        self.handler: Handler = GroupHandler(self, self._group) if self._group else DirectHandler(self)
        self.arrivals: list[Arrivals] = []
        self.said: list[str] = []
        self._queue = FairQueue()
        stacks = [self.stack, *(one.stack for one in (*self._doors, *self._guests))]
        self._watchdog = Watchdog(layer for stack in stacks for layer in stack.layers)
        try:
            self._opening = self.start(self._serve([ListenAddress(self.stack, host, port), *self._doors]))
            return await self.result
        except asyncio.CancelledError:  # once more, and it ends at once
            self.state = State.STOPPING
            await self._stop()
            raise
        finally:
            self._watchdog.stop()
            await self._close()

    async def _serve(self, addresses: Sequence[ListenAddress]) -> None:
        with self.naming_faults():
            await self._open(addresses)
        self._watchdog.start()  # not before: a layer may ask for a passphrase, and the loop waits while a person types
        for listener, arrivals in zip(tuple(self.listeners), self.arrivals, strict=True):
            self.start(self._accept(listener, arrivals))

    async def _open(self, addresses: Sequence[ListenAddress]) -> None:
        stack = self.stack
        stack.refuse(Role.RESPONDER)
        refuse_one_place([*addresses, *self._guests])
        notices = await self.prepare_layers(Role.RESPONDER, stack)
        doors: list[Door] = []
        for address in addresses:
            transport = address.stack.transport
            if transport is not stack.transport:
                self.notice_all(await self.prepare_layer(Role.RESPONDER, transport))
            doors.append(Door(address.stack, (await self._listen(address)).address))
        guests = [await self._listen_for_guests(address, notices) for address in self._guests]
        notices = [*self._tell_authenticators([door.address for door in doors]), *notices]
        self._tell_where(doors, guests)
        self.notice_all(notices)
        self.call_hook(
            "server_opened", stack=stack, address=doors[0].address, doors=doors, hook=self._hook, end=self.finish,
            notice=self.notice,
        )  # fmt: skip
        self._announce_all(doors, guests)

    async def _listen_for_guests(self, address: ListenAddress, notices: list[str]) -> Door:
        stack = address.stack
        stack.refuse(Role.RESPONDER)
        notices += await self.prepare_layers(Role.RESPONDER, replace(stack, features=(), auths=()))
        return Door(stack, (await self._listen(address)).address)

    def _tell_authenticators(self, addresses: Sequence[str]) -> Iterator[str]:
        for auth in self.stack.auths:
            with blaming(auth, BEFORE_THE_START):
                yield from listening(auth, addresses)

    def _tell_where(self, doors: Sequence[Door], guests: Sequence[Door]) -> None:
        """Say where it listens: all addresses in the first notice, and each further door in another one."""
        names = [one.name or one.stack.short_line for one in self._guests] if guests else []
        data = {"guests": {name: guest.address for name, guest in zip(names, guests, strict=True)}} if guests else {}
        sentences = [*listening_sentences(doors, guests, names)]
        self.said.append(sentences[0])  # the others are details
        for door, sentence in zip(doors, sentences, strict=True):
            place = {"address": door.address, "transport": door.stack.transport.name}
            notify(self.stack.ui, sentence, "listening", detail=door is not doors[0], **place, **data)

    def notice_all(self, sentences: Iterable[str]) -> None:
        told = [*sentences]
        self.said += told
        super().notice_all(told)

    def _announce_all(self, doors: Sequence[Door], guests: Sequence[Door], **more: str) -> None:
        for told in self._announce(doors, guests):
            if isinstance(told, WayIn):
                place = {"address": told.door.address, "transport": told.door.stack.transport.name}
                notify(self.stack.ui, told.sentence, WAY_IN, detail=told.detail, line=clean(told.line), **place, **more)
            else:
                notify(self.stack.ui, told)

    async def _listen(self, address: ListenAddress) -> Listener:
        transport = address.stack.transport
        listener = await self.call_transport(transport, transport.listen, address.host, address.port)
        self.listeners.append(listener)
        arrivals = Arrivals(self, self.handler, address.stack, self._queue, lambda: sum(map(len, self.arrivals)))
        self.arrivals.append(arrivals)
        listener.screen(arrivals.screen)
        listener.report(partial(self._report, listener, Door(address.stack, listener.address)))
        if self._trace and isinstance(listener, TellsWire):
            listener.tell_wire(unit_teller(self._trace, listener.address))
        return listener

    def _report(self, listener: Listener, announced: Door, sentence: str) -> None:
        """Show what a listener reports. If its address has changed, announce the new one."""
        self.show(sentence)
        if listener.address == announced.address:
            return
        door = announced._replace(address=listener.address)
        listener.report(partial(self._report, listener, door))
        with ignore_faults():  # failing to show something must not end the server
            self._tell_where([door], [])
            self._announce_all([door], [], was=announced.address)

    async def _accept(self, listener: Listener, arrivals: Arrivals) -> None:
        while self.state is State.LISTENING or self.keeps or self._group:
            try:
                with blaming(arrivals.transport):
                    stream = await listener.accept()
            except CannotConnect:
                if self.state is not State.LISTENING:
                    return  # one conversation is enough
                raise
            arrivals.begin(stream)

    def reread(self) -> None:
        """Let all plugins reload their files. No connected peer is dropped."""
        for plugin in self._hook.reread.get_hookimpls():
            try:
                for sentence in plugin.function() or ():
                    self.show(sentence)
            except ChatError as error:
                self.show(f"{error.sentence} Nothing was changed.")
            except BaseException as error:
                let_through(error)
                fault = blame_hook(error, "reread", [plugin.function], self._hook.reread.spec.function)
                self.show(f"Reloading failed. {fault.sentence} Nothing was changed.")

    def stop(self) -> None:
        """Let nobody in any more, say goodbye to all, and end when all have left or their time is up."""
        if self.state in (State.LISTENING, State.TALKING):
            self.state = State.STOPPING
            self.start(self._stop())

    async def _stop(self) -> None:
        self._opening.cancel()  # a door may take a minute to open, as at a relay through a proxy
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
            session.exit(reason=CloseReason.SHUTDOWN)
            session.stream.close()
        await self.cancel_tasks()  # the tasks that run their conversations to the end
        await self.close_listeners()
        self.notices.summarise()
        await self.release_features()
