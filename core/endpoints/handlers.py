"""The two handlers of a server: one conversation at a time, or all of them together in a group.

Each takes a conversation after its handshake (`attach`) and runs it to its end.
"""

import asyncio
from enum import Enum
from functools import partial
from typing import Protocol, cast

from plytalk.core.contracts.blame import blame_one, blaming
from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import Busy, ChatError, Refused, Truncated
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.handler import GroupFeature
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.peers import Identity
from plytalk.core.contracts.ui import Conversation
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.endpoint import close, part
from plytalk.core.endpoints.lifecycle import Lifecycle, State


class Handler(Protocol):
    """Takes the conversations of a server, each after its handshake."""

    def refuse(self, identity: Identity | None) -> Refused | Busy | None:
        """Return why a key is not let in, or None if it is. Called at the end of its handshake."""

    def holds_role(self, identity: Identity | None) -> bool:
        """Return whether a full server reserves a place for this key, such as an operator's."""

    async def attach(self, session: DirectChat) -> None:
        """Take a conversation. Raises Busy if another one came first, and errors that end the server."""


BUSY = "This server talks to one client at a time"


class DirectHandler:
    """One conversation at a time, with the user at the server's UI: for stacks without rooms."""

    def __init__(self, server: Lifecycle) -> None:
        self._server = server

    def refuse(self, identity: Identity | None) -> Busy | None:
        is_free = self._server.state is State.LISTENING
        return None if is_free else Busy(f"{BUSY}, and is busy.", told=f"{BUSY}, and is busy now.")

    def holds_role(self, identity: Identity | None) -> bool:
        return False

    async def attach(self, session: DirectChat) -> None:
        server = self._server
        if server.state is not State.LISTENING:
            raise Busy(f"{BUSY}.")
        server.enter(session)
        try:
            if not server.keeps:
                await server.close_listeners()
            server.introduce(session)
            ending = await server.end_with(server.converse(session))
        finally:
            server.leave(session)
        if ending and ending.error and not server.is_once:
            server.notice(ending.error.sentence)


class GroupHandler:
    """All conversations at once, joined by a feature."""

    def __init__(self, server: Lifecycle, feature: GroupFeature) -> None:
        self._server, self._feature = server, feature
        self.gathering: Gathering | None = None

    def refuse(self, identity: Identity | None) -> Refused | None:
        return self._feature.refuse(identity)

    def holds_role(self, identity: Identity | None) -> bool:
        return self._feature.holds_role(identity)

    async def attach(self, session: DirectChat) -> None:
        first = not len(self._server.capacity)
        self._server.enter(session)
        if first or self.gathering is None:
            self.gathering = Gathering(self._server, self._feature)
            self._server.start(self.gathering.run(session))
        else:
            self.gathering.join(session)


class Presence(Enum):
    """The state of a gathering.

        BEGINNING --- the UI has opened, or nobody uses it ------> MEETING
        MEETING --- the server's user says goodbye to all -------> PARTING
        MEETING, PARTING --- the last member has gone -----------> DISPERSED

    In the state PARTING, what a member did not receive counts as not delivered.
    """

    BEGINNING = "beginning"
    MEETING = "meeting"
    PARTING = "parting"
    DISPERSED = "dispersed"


class Gathering:
    """Lasts until the last member leaves; the server's user, if there is one, takes part in all of it."""

    def __init__(self, server: Lifecycle, feature: GroupFeature) -> None:
        self._server, self._feature = server, feature
        self.presence = Presence.BEGINNING
        self._over: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._unreceived: Ending | None = None  # a member did not receive everything before we left

    async def run(self, first: DirectChat) -> None:
        try:
            await self._server.end_with(self._meet(first))
        finally:
            if self.presence is Presence.BEGINNING:  # the UI did not open
                self._server.leave(first)
                close(first)

    async def _meet(self, first: DirectChat) -> Ending:
        if not self._server.stack.ui.present:
            self._begin(first)
            return await self._over
        member = self._local_member(first)
        try:
            return await self._server.run_ui(member, lambda: self._over, partial(self._begin, first))
        finally:
            member.exit()

    def _local_member(self, first: DirectChat) -> Conversation:
        with blaming(cast(Feature, self._feature)):
            return self._feature.local_member(first.stack, first.address, self._leave)

    def _begin(self, first: DirectChat) -> None:
        self.presence = Presence.MEETING
        self.join(first)

    def join(self, session: DirectChat) -> None:
        """Pass a conversation to the feature. It needs no task: an idle member costs only its connection and its keys."""
        server = self._server
        server.introduce(session)
        session.when_over(self._start_parting)
        try:
            server.call_hook("session_opened", session=session)
            self._feature.attach(session)
        except BaseException as error:  # a fault with one member does not affect the others
            let_through(error)
            fault = error if isinstance(error, ChatError) else blame_one(error, cast(Feature, self._feature))
            server.notice(f"{session.address}: {fault.sentence}")
            part(session, fault)
        session.begin()  # also after a fault: read the other side's answer to the goodbye

    def _start_parting(self, session: DirectChat, ending: Ending) -> None:
        self._server.start(self._part(session, ending))

    async def _part(self, session: DirectChat, ending: Ending) -> None:
        """Wait until a member has received what it can, then free its place."""
        server = self._server
        try:
            received = await session.over()
            if self._is_parting or ending.by is not EndedBy.US:  # a removed member need not have received everything
                ending = received
        finally:
            server.tell_closed(session)
            server.leave(session)
        if self._is_parting and ending.by is EndedBy.US and ending.error:
            self._unreceived = ending
        is_last = not len(server.capacity)
        if (error := ending.error) and (server.keeps or not is_last):
            # The hint after a cut is for the other side, which can connect again.
            server.notice(f"{session.address}: {error if isinstance(error, Truncated) else error.sentence}")
        if is_last:
            self.presence = Presence.DISPERSED
            if not self._over.done():  # otherwise the UI has failed
                self._over.set_result(self._unreceived or ending)

    @property
    def _is_parting(self) -> bool:
        return self.presence is Presence.PARTING

    def _leave(self) -> None:
        """Say goodbye for the server's user: to all with --once, and otherwise if only one other is there, to that one."""
        inside = tuple(self._server.capacity)
        if self.presence is Presence.MEETING and (not self._server.keeps or len(inside) == 1):
            self.presence = Presence.PARTING
            reason = CloseReason.SHUTDOWN if len(inside) > 1 else CloseReason.SAID_EXIT
            for session in inside:
                session.exit(reason=reason)
