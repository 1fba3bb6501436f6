"""The two people at the ends: what they said, were shown and noticed; and the conversations an attacker begins by itself."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from plytalk.core.contracts.errors import BrokenPlugin, ChatError
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.questions import Question
from plytalk.core.contracts.transport import Stream
from plytalk.core.contracts.ui import Conversation, Ui
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.session import Ending, Session
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.learning import Inside

QUIET_TURNS = 40
PATIENCE = 60.0
"""Seconds for which a person waits to hear what the other one was asked."""
ADDRESS = "lab.invalid:7591"


@dataclass
class Participant:
    """One end of a conversation, afterwards. `alarms` are the sentences that told its user that something is wrong."""

    said: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    ending: Ending | None = None
    opened: bool = False
    identity: Identity | None = None
    inside: Inside = field(default_factory=Inside)


class Telephone:
    """Joins the two people, whom no attacker can come between there: each reads to the other what the program asks."""

    def __init__(self) -> None:
        self._waiting: tuple[str, asyncio.Future[bool]] | None = None

    async def compare(self, question: str) -> bool:
        """Whether the other one was asked the same; no, where it was asked nothing."""
        if self._waiting and not self._waiting[1].done():
            theirs, told = self._waiting
            told.set_result(theirs == question)
            return theirs == question
        told = asyncio.get_running_loop().create_future()
        self._waiting = question, told
        try:
            async with asyncio.timeout(PATIENCE):
                return await told
        except TimeoutError:
            return False


class Witness(Ui):
    """One of the two people: remembers what was shown, asked and noticed. Says yes to what both are asked alike."""

    name = "witness"

    def __init__(self, side: Participant, telephone: Telephone) -> None:
        self._side, self._telephone = side, telephone

    async def run(self, session: Conversation) -> None:
        await asyncio.Event().wait()

    def message(self, text: str) -> None:
        self._side.shown.append(text)

    def notice(self, sentence: str) -> None:
        self._side.alarms.append(sentence)

    def opened(self, session: Conversation) -> None:
        self._side.alarms.clear()  # who is there, by authenticators that said yes: no alarm

    async def answer(self, question: Question) -> str | None:
        self._side.asked.append(question.text)
        return "yes" if await self._telephone.compare(question.text) else "no"


class Typist(Witness):
    """One person at one terminal for all conversations of a server: looks at the question that was shown last and types one line
    for it. That line goes to the question that has waited longest.
    """

    name = "typist"

    def __init__(self, side: Participant, telephone: Telephone, other: Participant) -> None:
        super().__init__(side, telephone)
        self._other = other
        self._readers: list[asyncio.Future[str]] = []

    async def answer(self, question: Question) -> str | None:
        self._side.asked.append(question.text)
        line: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._readers.append(line)
        looking = asyncio.create_task(self._look(question.text))
        try:
            return await line
        finally:
            looking.cancel()

    async def _look(self, text: str) -> None:
        for _ in range(int(PATIENCE)):
            if text in self._other.asked:
                await self._telephone.compare(text)
                self._type("yes")
                return
            if self._other.asked and self._side.asked[-1] == text:
                break  # the other person reads something else
            await asyncio.sleep(1)
        self._type("no")

    def _type(self, line: str) -> None:
        waiting = [reader for reader in self._readers if not reader.done()]
        if waiting:
            waiting[0].set_result(line)


def session_of(
    stack: Stack, stream: Stream, role: Role, side: Participant, telephone: Telephone, person: Witness | None = None
) -> Session:
    """A conversation that is still to be opened; what its person is shown, asked and told goes to `side`.

    `person` is one that serves other conversations, too.
    """
    ui = person or Witness(side, telephone)
    return Session(replace(stack, ui=ui), stream, role, address=ADDRESS, trace=side.inside)


async def quiet() -> None:
    """Until all that was set off has happened."""
    for _ in range(QUIET_TURNS):
        await asyncio.sleep(0)


async def open_session(session: Session, side: Participant) -> bool:
    """Whether it opened. Raises BrokenPlugin where a layer is at fault; whatever else is wrong becomes an alarm."""
    try:
        await session.open()
    except ChatError as error:
        side.alarms.append(error.sentence)
        if isinstance(error, BrokenPlugin):
            raise
        return False
    side.opened, side.identity = True, session.identity
    session.stack.ui.opened(session)
    session.begin()
    return True


class AttackerSessions:
    """New conversations with the server's end, begun by the attacker: `sides` are what came of them, in order.

    `person` is asked in all of them; without one, each has a person who is asked by nobody else.
    """

    def __init__(self, stacks: Mapping[Role, Stack], far: bool = False, person: Witness | None = None) -> None:
        self._stacks, self._far, self._person = stacks, far, person
        self._tasks: list[asyncio.Task[None]] = []
        self.sides: list[Participant] = []

    async def meet(self, whose: Role = Role.RESPONDER, stack: Stack | None = None) -> Stream:
        """A stream to a server that has the keys of `whose` end, or another stack."""
        ours, theirs = memory_stream_pair()
        if self._far:
            theirs.peer = ADDRESS
        side = Participant()
        self.sides.append(side)
        stack = replace(stack or self._stacks[whose], auths=self._stacks[Role.RESPONDER].auths)
        session = session_of(stack, theirs, Role.RESPONDER, side, Telephone(), self._person)
        self._tasks.append(asyncio.create_task(self._hold(session, side)))
        return ours

    @staticmethod
    async def _hold(session: Session, side: Participant) -> None:
        if await open_session(session, side):
            side.ending = await session.over()

    async def close(self) -> None:
        """End them all."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, ChatError):
                await task
