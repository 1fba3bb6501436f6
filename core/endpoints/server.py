"""The end that listens: peers that arrive, the handshakes they are in, and the conversations they get.

Without a feature that brings people together a server talks to one peer at a time, by its UI. With one (`Feature.hosts`) every
conversation is that feature's, and the UI has a seat among them from the first that comes to the last that leaves.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from plytalk.core.contracts.errors import BrokenPlugin, Busy, CannotConnect, ChatError, Refused, RemoteError
from plytalk.core.contracts.items import CloseReason, Empty
from plytalk.core.contracts.optional import SingleUse
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.contracts.ui import Conversation
from plytalk.core.endpoints.admission import Admission, CountedSource, Full, Reason, TooManyOfKey, TurnedAway, source_of
from plytalk.core.endpoints.client import End, stop
from plytalk.core.endpoints.fair_queue import FairQueue
from plytalk.core.endpoints.notices import Notices
from plytalk.core.pipeline.establish import is_local
from plytalk.core.pipeline.session import EndedBy, Ending, Session
from plytalk.core.stack.selection import Stack

FULL = "The server is full."


class ListenAddress(NamedTuple):
    """Where a stack is listened for: with the server's own, the places of guests who speak another."""

    stack: Stack
    host: str
    port: int


class Server(End):
    """The end that listens. A peer whose handshake fails costs one notice and nothing else.

    `announce(address)` gives sentences for the moment when it listens, `introduce(session)` for each peer that got in; `guests`
    are other stacks to listen for, where a feature brings all together; `is_exempt(address)` says whether a peer's source has
    neither limits nor penalties.
    """

    def __init__(
        self,
        *args: Any,
        announce: Callable[[str], Iterable[str]] = lambda address: (),
        introduce: Callable[[Session], Iterable[str]] = lambda session: (),
        guests: Iterable[ListenAddress] = (),
        is_exempt: Callable[[str], bool] = is_local,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._is_exempt = is_exempt
        self._announce, self._introduce = announce, introduce
        # One UI and one set of features for all: members on another stack join the same room.
        self._guests = [one._replace(stack=replace(one.stack, ui=self.stack.ui, features=self.stack.features)) for one in guests]
        self._host = next((feature for feature in self.stack.features if feature.hosts), None)

    async def run(self, host: str, port: int, *, keep: bool = False) -> Ending:
        """Listen and talk: until everybody who came has left, or with `keep` until cancelled or stopped. Raises CannotConnect."""
        loop = asyncio.get_running_loop()
        self._keep, self._busy, self._stopping = keep, False, False
        self._inside, self._keys = CountedSource[Session](), CountedSource[Session]()  # by source, and by key
        self._arriving: dict[Stream, str] = {}  # let in, and not inside yet; with their keys
        self._admission = Admission(self._limits, loop.time, self._is_exempt)
        self._queue = FairQueue()
        self._notices = Notices(self._show)
        self._first: asyncio.Future[Ending] = loop.create_future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._gathered: asyncio.Future[Ending] | None = None
        self._left = False  # the user at the server has said goodbye
        self._unreceived: Ending | None = None  # of a member that did not receive everything when we left
        self._listeners: list[Listener] = []
        places = [ListenAddress(self.stack, host, port), *self._guests]
        try:
            for place in places:
                await self._open(place)
            for listener, place in zip(tuple(self._listeners), places, strict=True):
                self._start(self._accept(listener, place.stack))
            return await self._first
        except asyncio.CancelledError:  # once more, and it ends at once
            self._stopping = True
            await self._stop()
            raise
        finally:
            await stop(*self._tasks)
            for session in tuple(self._inside):
                session.exit()
                session.stream.close()
            await stop(*self._tasks)  # those that see them off
            await self._close_listeners()
            self._notices.summarise()
            await self._release()

    async def _open(self, place: ListenAddress) -> None:
        stack, guests = place.stack, bool(self._listeners)
        stack.refuse(Role.RESPONDER)
        await self._ready(Role.RESPONDER, replace(stack, features=()) if guests else stack)
        listener = await self._reached(stack.transport, stack.transport.listen, place.host, place.port)
        self._listeners.append(listener)
        listener.screen(partial(self._refuses, stack))
        if not guests:
            self.stack.ui.waiting(listener.address)
        self.stack.ui.notice(f"Listening {'for guests ' * guests}on {listener.address} with {stack.line}.")
        if guests and (warning := stack.warning()):
            self.stack.ui.notice(f"Warning: {warning} This applies to everything said in the room of the guests.")
        if not guests:
            self._tell(
                "server_opened", stack=stack, address=listener.address, hook=self._hook, end=self._finish, notice=self._notice
            )
            for sentence in self._announce(listener.address):
                self.stack.ui.notice(sentence)

    def reread(self) -> None:
        """Have all plugins reload what they keep of files; no connected peer is dropped."""
        for plugin in self._hook.reread.get_hookimpls():
            try:
                for sentence in plugin.function() or ():
                    self._show(sentence)
            except ChatError as error:
                self._show(f"{error.sentence} Nothing was changed.")
            except Exception as error:
                self._show(f"Reloading failed in {plugin.function.__module__}: {type(error).__name__}. Nothing was changed.")

    def stop(self) -> None:
        """Let nobody in any more, say goodbye to all, and end when they have gone or have had their time."""
        if not self._stopping:
            self._stopping = True
            self._start(self._stop())

    async def _stop(self) -> None:
        await self._close_listeners()
        self._admission.clear()
        for session in tuple(self._inside):
            session.exit(reason=CloseReason.SHUTDOWN)
        if others := self._tasks - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=self._limits.farewell)
        self._finish(Ending(EndedBy.US, "The server was told to end."))

    async def _close_listeners(self) -> None:
        for listener in self._listeners:
            await listener.close()

    def _finish(self, ending: Ending | ChatError) -> None:
        if self._first.done():
            return
        if isinstance(ending, Ending):
            self._first.set_result(ending)
        else:
            self._first.set_exception(ending)

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not self._first.done():
            self._first.set_exception(error)

    # -- coming in --------------------------------------------------------------------------------------------------------

    async def _accept(self, listener: Listener, stack: Stack) -> None:
        while not self._busy or self._keep or self._host:
            try:
                stream = await listener.accept()
            except CannotConnect:
                if self._busy or self._stopping:
                    return  # one conversation is enough
                raise
            if self._refuses(stack, stream.peer):
                stream.close()
                continue
            # Not in the task: more may be accepted before it begins.
            self._admission.begin(stream, stream.peer, partial(self._evict, stream, self._start(self._welcome(stream, stack))))

    def _refuses(self, stack: Stack, peer: str) -> bool:
        """Whether this peer cannot even begin a handshake, which the plugins and the user are told."""
        if error := self._refusal(peer, stack):
            self._turn_away(peer, error)
        return error is not None

    def _refusal(self, peer: str, stack: Stack) -> TurnedAway | None:
        """Why this peer cannot even begin a handshake."""
        if self._admission.has_penalty(peer):
            return TurnedAway(Reason.FAILURES, "Too many handshakes from this source failed.")
        if len(self._inside) >= self._limits.connections and Empty not in stack.make_messages.layer.carries:
            return TurnedAway(Reason.FULL, FULL)  # of the others, those that finish their handshake are told
        if not self._is_exempt(peer) and self._inside.counts[source_of(peer)] >= self._limits.connections_per_address:
            return TurnedAway(Reason.SOURCE, "Too many connections from this source.")
        return None

    def _admits(self, stream: Stream, identity: Identity | None) -> Refused | Busy | None:
        """Why one that has finished its handshake is not let in, which it is told."""
        if self._busy and not self._host:
            return Busy(
                "This server talks to one client at a time, and is busy.",
                told="This server talks to one client at a time, and is busy now.",
            )
        refusal = (self._host.turns_away(identity) if self._host else None) or self._no_place(identity)
        if not refusal:
            self._arriving[stream] = identity.fingerprint if identity else ""
        return refusal

    def _no_place(self, identity: Identity | None) -> Busy | None:
        """Why there is no place for one more with this key.

        Where all are taken, one that holds a role gets one of those that are reserved; for any other, the member that has said
        nothing for longest makes way, if that is long enough.
        """
        limits, key = self._limits, identity.fingerprint if identity else ""
        arriving = [*self._arriving.values()]
        if key and self._keys.counts[key] + arriving.count(key) >= limits.connections_per_key:
            return TooManyOfKey("Too many connections with its key.", told="Your key has too many connections to this server.")
        if len(self._inside) + len(arriving) < limits.connections:
            return None
        taken = len(arriving) + sum(not session.ending for session in self._inside)
        if taken < limits.connections + limits.reserved * self._has_role(identity) or self._remove_idle():
            return None
        return Full(FULL, told=FULL)

    def _has_role(self, identity: Identity | None) -> bool:
        return self._host is not None and self._host.holds_role(identity)

    def _remove_idle(self) -> bool:
        """End the conversation of the member that is idle for longest; whether there was one that is idle for long enough."""
        before = asyncio.get_running_loop().time() - self._limits.idle
        idle = [session for session in self._inside if not session.ending and session.active_at <= before]
        for session in sorted(idle, key=lambda session: session.active_at):
            if not self._has_role(session.identity):
                self._notice(f"{session.address} was removed: the server is full and it was idle.")
                session.exit(reason=CloseReason.IDLE)
                return True
        return False

    def _take_place(self, session: Session) -> None:
        self._inside.add(session, source_of(session.stream.peer))
        self._keys.add(session, session.identity.fingerprint if session.identity else "")

    def _free_place(self, session: Session) -> None:
        self._inside.remove(session)
        self._keys.remove(session)

    def _turn_away(self, address: str, error: ChatError) -> None:
        """Tell the plugins and the user that a peer did not get in."""
        why = f"did not get in: {error.sentence}"
        self._notices.tell(f"{address} {why}", kind=why if isinstance(error, TurnedAway) else "")
        try:
            self._tell("turned_away", address=address, error=error)
        except ChatError as trouble:
            self._notice(trouble.sentence)

    def _evict(self, stream: Stream, welcome: "asyncio.Task[None]") -> None:
        stream.close()
        welcome.cancel()
        if not self._stopping:
            self._turn_away(stream.peer, TurnedAway(Reason.EVICTED, "Its unfinished handshake made way for a newer one."))

    async def _welcome(self, stream: Stream, stack: Stack) -> None:
        session = Session(
            stack,
            stream,
            Role.RESPONDER,
            limits=self._limits,
            trace=self._trace,
            admit=partial(self._admits, stream),
            heartbeat=self._heartbeat,
            notice=self._notice,
        )
        if not await self._opens(session):
            if self._spent and not self._busy and not len(self._admission):
                self._finish(Refused(self._spent))  # and nobody else can come in any more
        elif self._busy and not self._host:
            self._turn_away(session.address, TurnedAway(Reason.BUSY, "This server talks to one client at a time."))
            session.exit(reason=CloseReason.BUSY)
            stream.close()
            session.forget()
        elif self._host:
            self._admit(session)
        else:
            await self._talk(session)

    async def _opens(self, session: Session) -> bool:
        failed = False
        try:
            await session.open(partial(self._queue.turn, source_of(session.stream.peer)))
        except ChatError as error:
            failed = isinstance(error, RemoteError) and not isinstance(error, Busy)
            self._turn_away(session.address, error)
            return False
        finally:
            self._admission.end(session.stream, failed)
            self._arriving.pop(session.stream, None)
        return True

    def _present(self, session: Session) -> None:
        """Tell the user who has come in. What fails for one peer never ends the server."""
        try:
            for sentence in self._introduce(session):
                self._notice(sentence)
        except Exception as error:
            self._notice(f"{session.address} came in and could not be introduced: {type(error).__name__}.")

    def _notice(self, sentence: str) -> None:
        self._notices.tell(sentence)

    def _show(self, sentence: str) -> None:
        with suppress(Exception):  # a notice about one peer that cannot be shown must not end the server for all
            self.stack.ui.notice(clean(sentence))

    @property
    def _spent(self) -> str:
        return next((auth.spent for auth in self.stack.auths if isinstance(auth, SingleUse) and auth.spent), "")

    @property
    def _is_last(self) -> bool:
        """Whether the server ends with the conversation that ends."""
        return not self._keep or bool(self._spent)

    # -- one at a time ----------------------------------------------------------------------------------------------------

    async def _talk(self, session: Session) -> None:
        self._busy = True
        self._take_place(session)
        if not self._keep:
            await self._close_listeners()
        self._present(session)
        try:
            ending = await self._converse(session)
        except ChatError as error:
            if self._is_last:
                raise
            self._notice(error.sentence)
        else:
            if self._is_last:
                self._finish(ending)
            elif ending.error:
                self._notice(ending.error.sentence)
        finally:
            self._free_place(session)
            self._busy = not self._keep  # with --once, a peer still in the handshake is refused too

    # -- many, brought together by a feature ------------------------------------------------------------------------------

    def _admit(self, session: Session) -> None:
        first = not self._inside
        self._take_place(session)
        if first:
            self._busy = True
            self._gathered = asyncio.get_running_loop().create_future()
            self._start(self._gather(session, self._gathered))
        else:
            self._enter(session)

    async def _gather(self, first: Session, gathered: "asyncio.Future[Ending]") -> None:
        """From the first that comes to the last that leaves; the UI has a seat as long, if somebody sits at it."""
        assert self._host is not None
        entered, self._unreceived, self._left = False, None, False

        def enter() -> None:
            nonlocal entered
            entered = True
            self._enter(first)

        try:
            if self.stack.ui.present:
                seat = self._seat(first)
                try:
                    ending = await self._sit(seat, lambda: gathered, enter)
                finally:
                    seat.exit()
            else:
                enter()
                ending = await gathered
        except ChatError as error:
            if self._is_last:
                raise
            self._notice(error.sentence)
        else:
            if self._is_last:
                self._finish(ending)
        finally:
            self._busy = not self._keep
            if not entered:
                self._free_place(first)
                first.exit()
                first.stream.close()
                first.forget()

    def _seat(self, first: Session) -> Conversation:
        assert self._host is not None
        try:
            return self._host.host(first.stack, first.address, partial(self._leave, self._gathered))
        except ChatError:
            raise
        except Exception as error:
            raise BrokenPlugin(f"The feature `{self._host.name}` raised {type(error).__name__}.") from error

    def _enter(self, session: Session) -> None:
        """Hand a conversation to the feature. No task is left behind: a member at rest costs its connection and its keys."""
        self._present(session)
        session.when_over(self._see_off)
        try:
            self._tell("session_opened", session=session)
            session.begin()
        except Exception as error:  # that of one is nobody else's
            self._notice(f"{session.address}: {error.sentence if isinstance(error, ChatError) else type(error).__name__}")
            session.exit()

    def _see_off(self, session: Session, ending: Ending) -> None:
        self._start(self._await_end(session, ending))

    async def _await_end(self, session: Session, ending: Ending) -> None:
        try:
            received = await session.over()
            if self._left or ending.by is not EndedBy.US:  # what one that was removed did not receive is not a fault
                ending = received
        finally:
            self._tell_end(session)
            self._free_place(session)
        if self._left and ending.by is EndedBy.US and ending.error:
            self._unreceived = ending
        last = not self._inside and self._gathered and not self._gathered.done()
        if ending.error and (self._keep or not last):
            self._notice(f"{session.address}: {ending.error.sentence}")
        if last and self._gathered:
            self._gathered.set_result(self._unreceived or ending)

    def _leave(self, gathered: "asyncio.Future[Ending] | None") -> None:
        """The person at the server says goodbye: with --once to all, and where only one other is there to that one."""
        if gathered is not self._gathered:  # all of its company had left, and others have come since
            return
        if not self._keep or len(self._inside) == 1:
            self._left = True
            reason = CloseReason.SHUTDOWN if len(self._inside) > 1 else CloseReason.SAID_EXIT
            for session in tuple(self._inside):
                session.exit(reason=reason)
