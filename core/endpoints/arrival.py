"""How a peer gets into a server: screened by its address, admitted to a handshake, opened, and attached to the handler.

A server has one `Arrivals` for each listener, so that a crowd at one listener keeps nobody out at another.
"""

import asyncio
from collections.abc import Callable
from functools import cache, partial
from typing import cast

from plytalk.core.bases.filter_stream import FilterStream
from plytalk.core.bases.wire_stream import WireStream
from plytalk.core.contracts.blame import blaming
from plytalk.core.contracts.errors import Answered, Busy, ChatError, Refused, RemoteError, TooSlow
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.items import CloseReason, Empty
from plytalk.core.contracts.optional import KnowsPeer, Opens
from plytalk.core.contracts.peers import Identity, Peer, Role
from plytalk.core.contracts.transport import Stream
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.admission import Admission, Full, Reason, TurnedAway, source_of
from plytalk.core.endpoints.fair_queue import FairQueue
from plytalk.core.endpoints.handlers import Handler
from plytalk.core.endpoints.lifecycle import Lifecycle, State
from plytalk.core.stack.selection import Stack


async def nobody_to_ask(question: str, otherwise: str) -> bool:
    """Answer no to each question, because nobody can be asked."""
    return False


@cache
def _opens(kind: type[Stream]) -> bool:
    return issubclass(kind, Opens)  # once for each class of stream: it takes as long as admitting a peer


class Arrivals:
    """The peers of one listener that are not admitted yet, and the stack that they must use.

    `queue` is where the handshakes of all listeners take turns; `arriving()` counts the peers of all listeners.
    """

    def __init__(self, server: Lifecycle, handler: Handler, stack: Stack, queue: FairQueue, arriving: Callable[[], int]) -> None:
        self._server, self._handler, self._capacity = server, handler, server.capacity
        self._stack, self._queue, self._arriving = stack, queue, arriving
        self.transport = stack.transport
        self._admission = Admission(server.limits, asyncio.get_running_loop().time, server.is_exempt)

    def __len__(self) -> int:
        return len(self._admission)

    def screen(self, peer: str) -> bool:
        """Return whether a peer at this address cannot even begin a handshake. If so, tell the plugins and the user."""
        if error := self._refuse_source(peer):
            self._server.turn_away(peer, error)
        return error is not None

    def _refuse_source(self, peer: str) -> TurnedAway | None:
        if self._admission.has_penalty(peer):
            return TurnedAway(Reason.FAILURES, "Too many handshakes from this source failed.")
        return self._capacity.refuse_source(peer, is_told=Empty in self._stack.make_messages.layer.carries)

    def begin(self, stream: Stream) -> None:
        """Let a peer begin its handshake. If all places are taken, it replaces an older one."""
        if self.screen(stream.peer):
            stream.close()
            return
        if _opens(type(stream)):
            self._prepare_opening(stream)
        welcome = self._server.start(self._welcome(stream))
        self._admission.begin(stream, stream.peer, partial(self._evict, stream, welcome))  # before the task begins

    def _prepare_opening(self, stream: Stream) -> None:
        if isinstance(stream, WireStream):
            stream.when_heard(partial(self._admission.hear, stream))
        if isinstance(stream, FilterStream):
            stream.take_turns(partial(self._queue.turn, source_of(stream.peer)))
        if isinstance(stream, KnowsPeer):
            stream.judge_logins(partial(self._judge, stream.peer))

    def clear(self) -> None:
        """End all handshakes; they do not count as failed."""
        self._admission.clear()

    def _evict(self, stream: Stream, welcome: "asyncio.Task[None]") -> None:
        stream.close()
        welcome.cancel()
        if self._server.state is not State.STOPPING:
            error = TurnedAway(Reason.EVICTED, "Its unfinished handshake made way for a newer one.")
            self._server.turn_away(stream.peer, error)

    async def _welcome(self, stream: Stream) -> None:
        server, admit = self._server, partial(self._admit, stream)
        if not await self._open_stream(stream):
            return
        session = server.make_session(self._stack, stream, Role.RESPONDER, admit=admit, notice=server.notice)
        if await self._open(session, stream):
            await self._attach(session)
        elif server.spent and server.state is State.LISTENING and not self._arriving():
            server.finish(Refused(server.spent))

    async def _open_stream(self, stream: Stream) -> bool:
        """Wait for a stream that has an opening. Behind a proxy, only the opening tells the peer's source."""
        if not _opens(type(stream)):
            return True
        opening = cast(Opens, stream)
        error: ChatError | None = None
        limits = self._server.limits
        seconds = limits.person if isinstance(stream, KnowsPeer) else limits.handshake
        try:
            async with asyncio.timeout(seconds):
                with blaming(self.transport):
                    await opening.opened()
        except TimeoutError:
            error = TooSlow(f"The other side did not open its connection within {seconds:g} seconds.")
        except ChatError as failure:
            error = failure
        self._admission.move(stream, stream.peer)
        self._admission.hear(stream)
        error = error or self._refuse_source(stream.peer)
        if error:
            self._admission.end(stream, failed=not isinstance(error, TurnedAway | Answered))
            if not isinstance(error, Answered):
                self._server.turn_away(stream.peer, error)
            stream.close()
        return error is None

    async def _judge(self, address: str, identity: Identity | None) -> bool:
        """Judge the key of a peer during the opening of its stream. It is judged again when the stream is open."""
        if identity is None:
            return not self._stack.auths
        try:
            for auth in self._stack.auths:
                await auth.check(Peer(Role.RESPONDER, address, identity, nobody_to_ask))
        except BaseException as error:  # an error in a check is a refusal
            let_through(error)
            return False
        return not self._handler.refuse(identity)

    async def _open(self, session: DirectChat, stream: Stream) -> bool:
        failed = False
        try:
            await session.open(partial(self._turn, stream, source_of(stream.peer)))
        except ChatError as error:
            failed = isinstance(error, RemoteError) and not isinstance(error, Busy)
            self._server.turn_away(session.address, error)
            return False
        finally:
            self._admission.end(stream, failed)
            self._capacity.release(stream)
        return True

    async def _turn(self, stream: Stream, source: str) -> None:
        self._admission.hear(stream)
        await self._queue.turn(source)

    async def _attach(self, session: DirectChat) -> None:
        try:
            await self._handler.attach(session)
        except Busy as error:  # another peer was faster
            self._server.turn_away(session.address, error)
            session.exit(reason=CloseReason.BUSY)
            session.stream.close()
            session.forget()

    def _admit(self, stream: Stream, identity: Identity | None) -> Refused | Busy | None:
        """Admit a peer that has finished its handshake. Returns the reason for a refusal, which is sent to the peer."""
        refusal = self._handler.refuse(identity) or self._make_room(identity)
        if not refusal:
            self._capacity.reserve(stream, identity)
        return refusal

    def _make_room(self, identity: Identity | None) -> Busy | None:
        """Make room for a connection with this key. Returns the reason if the server is full. On a full server, a key with a role
        gets a reserved place. For any other key, the member that has been idle longest is removed, if it has been idle long
        enough.
        """
        refusal = self._capacity.refuse_key(identity, self._handler.holds_role)
        return None if isinstance(refusal, Full) and self._remove_idle() else refusal

    def _remove_idle(self) -> bool:
        """Remove the member that has been idle longest. Returns False if none has been idle long enough."""
        idle = next((one for one in self._capacity.find_idle() if not self._handler.holds_role(one.identity)), None)
        if idle:
            self._server.notice(f"{idle.address} was removed: the server is full and it was idle.")
            idle.exit(reason=CloseReason.IDLE)
        return idle is not None
