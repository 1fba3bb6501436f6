"""A program's UI: it keeps what happens until the program takes it, and holds the other side back while that is too much."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from inspect import isawaitable
from itertools import count

from plytalk.core.contracts.errors import NotDone, Truncated, UnknownPeer
from plytalk.core.contracts.events import Closed, Error, Event, Open, Result, You
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.questions import Question
from plytalk.core.contracts.ui import Conversation, Ui

AnswersQuestions = Callable[[Question], bool | Awaitable[bool]]
"""Answers a question about a peer, at once or as a coroutine function."""

MOST = 1000
"""How many events wait for a program before nothing more is read."""
WHILE_BUSY = 10 * MOST
"""The same while the program waits to send or for an answer, which could not come otherwise."""
LATE = f"{WHILE_BUSY:,} events wait to be taken, so nothing more is read."
OVER = "The conversation is over."
TAKE_THEM = "Take them with `async for event in chat`, also while you send much."


class Inbox(Ui):
    """The events of one conversation, or of a server, for the program that takes part."""

    name = "program"

    def __init__(self, ask: AnswersQuestions | None = None) -> None:
        """`ask` answers questions, such as whether the key of an unknown server is to be trusted."""
        self._ask = ask
        self.conversation: Conversation | None = None
        self.begun: Open | None = None
        self.you: You | None = None
        self.began = asyncio.Event()
        """Set when it is known who is there, and when the conversation never begins."""
        self._over = False
        self._events: deque[Event] = deque()
        self._changed = asyncio.Event()
        self._held = False
        self._busy: list[asyncio.Timeout] = []
        self._requests = count(1)
        self._answers: dict[str, tuple[str, asyncio.Future[Result]]] = {}

    # -- the UI -----------------------------------------------------------------------------------------------------------

    async def run(self, conversation: Conversation) -> None:
        self.conversation, self._held = conversation, False
        self._hold()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            conversation.failed = False  # the program has been told by exceptions and events; it has no exit code to set
            self.conversation = None
            self._interrupt()

    def show(self, event: Event) -> None:
        if isinstance(event, Result | Error) and self._is_answer(event):
            return
        if isinstance(event, You):
            self.you = event
            self.began.set()
        elif isinstance(event, Open):
            self.begun = event
        elif isinstance(event, Closed) and event.final:
            self._give_up(event.reason)
        self._events.append(event)
        self._changed.set()
        self._hold()

    async def answer(self, question: Question) -> str | None:
        if self._ask is None:
            return await super().answer(question)
        try:
            answer = self._ask(question)
            return "yes" if (await answer if isawaitable(answer) else answer) is True else "no"
        except BaseException as error:  # otherwise the layer that asks would seem to be at fault
            let_through(error)
            raise UnknownPeer(f"{question.text} Nobody can say: ask= raised {type(error).__name__}.") from error

    # -- what the program takes -------------------------------------------------------------------------------------------

    async def take(self) -> Event | None:
        """The next event; None when all is over."""
        while not self._events:
            if self._over:
                return None
            self._changed.clear()
            await self._changed.wait()
        event = self._events.popleft()
        self._go_on(MOST // 2)
        return event

    def end(self, *_: object) -> None:
        """Nothing more will happen."""
        self._over = True
        self._give_up("It is over.")
        self.began.set()
        self._changed.set()

    def _hold(self) -> None:
        """Stop reading where too much waits."""
        if len(self._events) >= (WHILE_BUSY if self._busy else MOST) and not self._held and self.conversation:
            self._held = True
            self.conversation.stop_reading()
            self._interrupt()

    def _go_on(self, at: int) -> None:
        """Continue to read if no more than this many wait."""
        if self._held and len(self._events) <= at and self.conversation:
            self._held = False
            self.conversation.read_on()

    def _interrupt(self) -> None:
        """Nothing that the program waits for will come."""
        for limit in self._busy:
            if not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """While the program waits here, reading goes on. Raises NotDone when far too much waits, or all is over."""
        if len(self._events) >= WHILE_BUSY:
            raise NotDone(LATE, TAKE_THEM)
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._busy.append(limit)
                self._go_on(WHILE_BUSY)
                try:
                    yield
                finally:
                    self._busy.remove(limit)
        except TimeoutError:
            if not limit.expired():
                raise
            raise NotDone(LATE if self.conversation else OVER, TAKE_THEM if self.conversation else "") from None

    # -- answers ----------------------------------------------------------------------------------------------------------

    @contextmanager
    def expecting(self, command: str) -> Iterator[tuple[str, "asyncio.Future[Result]"]]:
        """The id of a new request, and where its answer arrives."""
        request, answer = str(next(self._requests)), asyncio.get_running_loop().create_future()
        self._answers[request] = command, answer
        try:
            yield request, answer
        finally:
            del self._answers[request]

    def _is_answer(self, event: Result | Error) -> bool:
        """Whether somebody waits for this event, who has it now."""
        if event.request is None or event.request not in self._answers:
            return False
        _, answer = self._answers[event.request]
        if answer.done():
            return True
        if isinstance(event, Result):
            answer.set_result(event)
        else:
            answer.set_exception(NotDone(event.text, event.hint or "", event.code))
        return True

    def _give_up(self, reason: str) -> None:
        for command, answer in self._answers.values():
            if not answer.done():
                answer.set_exception(
                    Truncated(f"The connection ended before the answer to {command} came: {reason}", "Ask again.")
                )


class NoticeBox(Inbox):
    """The same for a server at which nobody takes part: the last notices, for a program that may never read them."""

    name = "program-aside"
    present = False

    def __init__(self, ask: AnswersQuestions | None = None) -> None:
        super().__init__(ask)
        self._events = deque(maxlen=MOST)
