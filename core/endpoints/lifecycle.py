"""What the parts of a server share: its state, its conversations, its tasks, and what its user is told.

    LISTENING --- a conversation is attached -----------------------------> TALKING
    TALKING --- the last conversation is over, and the server keeps on ---> LISTENING
    TALKING --- the last conversation is over, with --once ---------------> OVER
    LISTENING --- an invitation is used up: nobody else can come in ------> OVER
    LISTENING, TALKING --- told to stop ----------------------------------> STOPPING
    LISTENING, TALKING, STOPPING --- an error that no peer caused --------> OVER
    STOPPING --- all have gone, or have had their time -------------------> OVER

In the state STOPPING it lets nobody in and says goodbye to all.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from enum import Enum
from typing import Any

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.interruption import ignore_faults, let_through
from plytalk.core.contracts.optional import SingleUse
from plytalk.core.contracts.transport import Listener
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.admission import TurnedAway
from plytalk.core.endpoints.capacity import Capacity
from plytalk.core.endpoints.endpoint import BaseEndpoint, stop
from plytalk.core.endpoints.notices import Notices
from plytalk.core.io.address import is_local


class State(Enum):
    """The state of a server. The transitions are at the top of this file."""

    LISTENING = "listening"
    TALKING = "talking"
    STOPPING = "stopping"
    OVER = "over"


class Lifecycle(BaseEndpoint):
    """A server from its start to its end. `introduce(session)` returns sentences about a peer that got in. `is_exempt(address)`
    says whether a peer's source has neither limits nor penalties.
    """

    def __init__(
        self,
        *args: Any,
        introduce: Callable[[DirectChat], Iterable[str]] = lambda session: (),
        is_exempt: Callable[[str], bool] = is_local,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._introduce, self.is_exempt = introduce, is_exempt

    def begin(self, keep: bool) -> None:
        """Begin in the state LISTENING; with `keep` the server does not end with its last conversation."""
        self.keeps, self.state = keep, State.LISTENING
        self.result: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.capacity = Capacity(self.limits, self.is_exempt)
        self.notices = Notices(self.show)
        self.listeners: list[Listener] = []
        self._tasks: set[asyncio.Task[None]] = set()

    # -- states -----------------------------------------------------------------------------------------------------------

    @property
    def spent(self) -> str:
        """Why nobody else can come in: an invitation is used up, or the transport has only one peer. Empty if somebody can."""
        if place := self.stack.transport.only_place:
            return f"Nobody else can come in by {place}."
        return next((auth.spent for auth in self.stack.auths if isinstance(auth, SingleUse) and auth.spent), "")

    @property
    def is_once(self) -> bool:
        """Whether the server ends with the conversation that ends."""
        return not self.keeps or bool(self.spent)

    def enter(self, session: DirectChat) -> None:
        """Add a conversation."""
        self.capacity.enter(session)
        if self.state is State.LISTENING:
            self.state = State.TALKING

    def leave(self, session: DirectChat) -> None:
        """Remove a conversation: it is over, and its place is free."""
        self.capacity.leave(session)
        if self.state is State.TALKING and not len(self.capacity) and not self.is_once:
            self.state = State.LISTENING

    async def end_with(self, conversation: Coroutine[Any, Any, Ending]) -> Ending | None:
        """Wait until a conversation is over. Return its ending, or None if it failed and the server goes on."""
        try:
            ending = await conversation
        except ChatError as error:
            if self.is_once:
                raise
            self.notice(error.sentence)
            return None
        else:
            if self.is_once:
                self.finish(ending)
            return ending

    def finish(self, outcome: Ending | BaseException) -> None:
        """End the server, with this ending or error, unless it has ended already."""
        if self.state is State.OVER:
            return
        self.state = State.OVER
        if self.result.done():  # the server itself was interrupted
            return
        if isinstance(outcome, Ending):
            self.result.set_result(outcome)
        else:
            self.result.set_exception(outcome)

    async def close_listeners(self) -> None:
        for listener in self.listeners:
            await listener.close()

    # -- tasks ------------------------------------------------------------------------------------------------------------

    def start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Start a task of the server. An error in it ends the server."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end_task)
        return task

    def _end_task(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.finish(error)

    async def wait_for_tasks(self, seconds: float) -> None:
        """Wait until all other tasks have ended, for at most `seconds`."""
        if others := self._tasks - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=seconds)

    async def cancel_tasks(self) -> None:
        await stop(*self._tasks)

    # -- what the user and the plugins are told ---------------------------------------------------------------------------

    def notice(self, sentence: str) -> None:
        self.notices.tell(sentence)

    def show(self, sentence: str) -> None:
        """Tell the user at once."""
        with ignore_faults():  # failing to show a notice about one peer must not end the server for all
            super().notice(sentence)

    def introduce(self, session: DirectChat) -> None:
        """Tell the user about a peer that has connected. A failure for one peer does not end the server."""
        try:
            for sentence in self._introduce(session):
                self.notice(sentence)
        except BaseException as error:
            let_through(error)
            self.notice(f"{session.address} came in and could not be introduced: {type(error).__name__}.")

    def turn_away(self, address: str, error: ChatError) -> None:
        """Tell the plugins and the user that a peer did not get in."""
        why = f"did not get in: {error.sentence}"
        self.notices.tell(f"{address} {why}", kind=why if isinstance(error, TurnedAway) else "")
        try:
            self.call_hook("turned_away", address=address, error=error)
        except ChatError as trouble:
            self.notice(trouble.sentence)
