"""The simplest layer of each kind: what stands around the one under test. None of them protects anything."""

import asyncio
import os
from struct import Struct
from typing import Any

from plytalk.core.bases.header_framer import HeaderFramer
from plytalk.core.bases.utf8_messages import TextMessages
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import CannotConnect, UnknownPeer
from plytalk.core.contracts.events import Closed, Error, Event, Message, Notice, Open, Result
from plytalk.core.contracts.handshake import Handshake, HandshakeIO
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.questions import Question
from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.core.contracts.ui import Conversation, Ui
from plytalk.core.io.event_lines import lines_of
from plytalk.testing.verdict import within


class TypedFrames(HeaderFramer):
    """Frames with a type and a length."""

    name = "test-typed"
    gives = {Property.BOUNDARIES}
    header = Struct(">cI")
    typed = True


class PlainFrames(HeaderFramer):
    """Frames with a length."""

    name = "test-plain"
    gives = {Property.BOUNDARIES}
    header = Struct(">I")


class GivenKeys(Handshake):
    """The client sends two keys for everyone to read."""

    name = "test-keys"
    needs = {Property.BOUNDARIES}
    gives = {Property.KEYS, Property.DIRECTION_KEYS}

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        secrets = SessionSecrets(os.urandom(32), os.urandom(32))
        await io.send(b"K", bytes(secrets.send) + secrets.receive)
        return secrets

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        keys = await io.receive(b"K", limit=64)
        return SessionSecrets(keys[32:], keys[:32])


class Unsealed(Cipher):
    """Plaintext."""

    name = "test-unsealed"

    sealed_count = 0

    def __init__(self, secrets: SessionSecrets, role: Role, **options: Any) -> None:
        pass

    def seal(self, plaintext: bytes) -> bytes:
        self.sealed_count += 1
        return plaintext

    def open(self, sealed: bytes) -> bytes:
        return sealed


class PlainWords(TextMessages):
    """UTF-8 text."""

    name = "test-words"


class Nowhere(Transport):
    """Reaches nobody: the two ends of a test have their streams already."""

    name = "test-nowhere"

    async def listen(self, host: str, port: int) -> Listener:
        raise CannotConnect

    async def connect(self, host: str, port: int) -> Stream:
        raise CannotConnect


class RecordingUi(Ui):
    """Keeps what it is shown in `events`; of these the texts of what the other side says in `messages`, and of what the user is
    told in `notices`. Answers questions with `answer`, or not at all.
    """

    name = "test-recording"

    def __init__(self, answer: bool | None = None) -> None:
        self.events: list[Event] = []
        self.messages: list[str] = []
        self.notices: list[str] = []
        self.questions: list[str] = []
        self.ending: Closed | None = None
        self.session: Conversation | None = None
        self.address = ""
        self._answer = answer
        self._news = asyncio.Event()

    async def run(self, session: Conversation) -> None:
        self.session = session
        self._news.set()
        await asyncio.Event().wait()

    def show(self, event: Event) -> None:
        self.events.append(event)
        match event:
            case Message(own=False):
                self.message(event.text)
            case Notice() | Error() | Result():
                for line in lines_of(event):
                    self.notice(line)
            case Closed(final=True):
                self.ending = event
        if isinstance(event, Notice) and event.code == "listening" and event.data:
            self.address = event.data["address"]
        self._news.set()

    def message(self, text: str) -> None:
        """The other side said something."""
        self.messages.append(text)

    def notice(self, sentence: str) -> None:
        """The user is told something."""
        self.notices.append(sentence)

    @property
    def open(self) -> bool:
        """Whether a conversation has opened, and `session` is it."""
        return self.session is not None and any(isinstance(event, Open) for event in self.events)

    @property
    def ended(self) -> tuple[str, str]:
        """Which side ended the conversation, and how."""
        return (self.ending.by, self.ending.reason) if self.ending else ("", "")

    async def answer(self, question: Question) -> str | None:
        self.questions.append(question.text)
        if self._answer is None:
            raise UnknownPeer(question.text, question.otherwise)
        return "yes" if self._answer else "no"

    async def until(
        self, *, messages: int = 0, notices: int = 0, listening: bool = False, open: bool = False, over: bool = False
    ) -> None:
        """Wait until there are that many messages and notices; until the server listens; until a conversation is open, or over.

        Raises AssertionError when that does not happen.
        """

        def there() -> bool:
            return (
                len(self.messages) >= messages
                and len(self.notices) >= notices
                and (not listening or bool(self.address))
                and (not open or self.open)
                and (not over or self.ending is not None)
            )

        async def come() -> None:
            while not there():
                self._news.clear()
                await self._news.wait()

        if not there():
            await within(come(), f"It did not come. What did: messages {self.messages}, notices {self.notices}.")
