"""The users of the client and the server: what they said, were shown and were warned of; and the conversations that an attacker
begins with the server.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from msgspec.structs import replace

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import BrokenPlugin, ChatError
from plytalk.core.contracts.events import Event, Message, Notice, Open
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.questions import Question
from plytalk.core.contracts.transport import Stream
from plytalk.core.contracts.ui import Conversation, Ui
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.conversation.ui_hearer import show_open
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attendance import Attendance, make_chat
from plytalk.lab.attacks.learning import SecretTrace

PATIENCE = 60.0
"""How many seconds a user waits to hear what the other one was asked."""
ADDRESS = "lab.invalid:7591"


@dataclass
class ParticipantRecord:
    """What one user said, was shown and was asked. `alarms` are the sentences that warned of something."""

    said: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    ending: Ending | None = None
    opened: bool = False
    identity: Identity | None = None
    trace: SecretTrace = field(default_factory=SecretTrace)
    narrate: Callable[[str], None] = lambda sentence: None

    def show(self, text: str) -> None:
        """Show the user a line."""
        self.shown.append(text)
        self.narrate(f"was shown {text!r}")

    def warn(self, sentence: str) -> None:
        """Warn the user of something."""
        self.alarms.append(sentence)
        self.narrate(f"was warned: {sentence}")

    @property
    def ended_cleanly(self) -> bool:
        """Whether the conversation ended, and without an error."""
        return self.ending is not None and not self.ending.error


class OutOfBand:
    """A channel between the two users that the attacker cannot reach: each reads to the other what the program asks."""

    def __init__(self) -> None:
        self._waiting: tuple[str, asyncio.Future[bool]] | None = None

    async def compare(self, question: str) -> bool:
        """Whether the other user was asked the same; False where it was asked nothing."""
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


class ParticipantUi(Ui):
    """Records what a user is shown, asked and warned of, and says yes to questions that both users are asked."""

    name = "participant"

    def __init__(self, record: ParticipantRecord, out_of_band: OutOfBand) -> None:
        self._record, self._out_of_band = record, out_of_band

    async def run(self, session: Conversation) -> None:
        await asyncio.Event().wait()

    def show(self, event: Event) -> None:
        match event:
            case Message(own=False):
                self._record.show(event.text)
            case Notice():
                self._record.warn(event.text)
            case Open():
                self._record.alarms.clear()  # before it opens, authenticators that said yes tell who is there: not an alarm

    async def answer(self, question: Question) -> str | None:
        self._record.asked.append(question.text)
        return "yes" if await self._out_of_band.compare(question.text) else "no"


class SharedTerminalUi(ParticipantUi):
    """One user at one terminal for all conversations of a server, who reads the question that was shown last and types one line
    for it. That line goes to the question that has waited longest.
    """

    name = "shared-terminal"

    def __init__(self, record: ParticipantRecord, out_of_band: OutOfBand, other: ParticipantRecord) -> None:
        super().__init__(record, out_of_band)
        self._other = other
        self._readers: list[asyncio.Future[str]] = []

    async def answer(self, question: Question) -> str | None:
        self._record.asked.append(question.text)
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
                await self._out_of_band.compare(text)
                self._type("yes")
                return
            if self._other.asked and self._record.asked[-1] == text:
                break  # the other user reads another question
            await asyncio.sleep(1)
        self._type("no")

    def _type(self, line: str) -> None:
        waiting = [reader for reader in self._readers if not reader.done()]
        if waiting:
            waiting[0].set_result(line)


def make_session(
    stack: Stack, stream: Stream, role: Role, record: ParticipantRecord, out_of_band: OutOfBand, ui: ParticipantUi | None = None
) -> DirectChat:
    """A session that is still to be opened; what its user is shown, asked and told goes to `record`.

    `ui` is one that serves other conversations as well.
    """
    ui = ui or ParticipantUi(record, out_of_band)
    stack = replace(stack, ui=ui, features=tuple(type(feature)() for feature in stack.features))  # new for each conversation
    return make_chat(Connection(stack, stream, role, address=ADDRESS, trace=record.trace), stack.features)


async def open_session(session: DirectChat, record: ParticipantRecord) -> bool:
    """Open a session. Return whether it opened. Raises BrokenPlugin if a layer is at fault; every other error becomes an
    alarm.
    """
    try:
        await session.open()
    except ChatError as error:
        record.warn(error.sentence)
        if isinstance(error, BrokenPlugin):
            raise
        return False
    record.opened, record.identity = True, session.identity
    show_open(session.stack.ui, session)
    return True


class AttackerSessions:
    """Conversations with the server that the attacker begins: `records` are what its user saw in each, in order.

    `ui` is shown all of them; without it, each has a user to itself.
    """

    def __init__(self, stacks: Mapping[Role, Stack], remote: bool = False, ui: ParticipantUi | None = None) -> None:
        self._stacks, self._remote, self._ui = stacks, remote, ui
        self._tasks: list[asyncio.Task[None]] = []
        self.records: list[ParticipantRecord] = []

    async def connect(self, keys_of: Role = Role.RESPONDER, stack: Stack | None = None) -> Stream:
        """A stream to a server that has the keys of this role, or another stack."""
        ours, theirs = memory_stream_pair()
        if self._remote:
            theirs.peer = ADDRESS
        record = ParticipantRecord()
        self.records.append(record)
        stack = replace(stack or self._stacks[keys_of], auths=self._stacks[Role.RESPONDER].auths)
        session = make_session(stack, theirs, Role.RESPONDER, record, OutOfBand(), self._ui)
        self._tasks.append(asyncio.create_task(self._run(session, record)))
        return ours

    @staticmethod
    async def _run(session: DirectChat, record: ParticipantRecord) -> None:
        if await open_session(session, record):
            attendance = Attendance(session)
            attendance.enter()
            record.ending = await attendance.over()

    async def close(self) -> None:
        """End them all."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, ChatError):
                await task
