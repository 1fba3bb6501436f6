"""User interfaces show a conversation to a person or a program."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import ClassVar, Protocol

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import UnknownPeer
from plytalk.core.contracts.events import Event
from plytalk.core.contracts.items import EXIT
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.questions import Question, QuestionQueue


class Hearer(Protocol):
    """Receives what the other side says, if a feature has put it in place of the UI. What reaches `message` and `notice` has
    passed the sanitiser, unless it says `raw`.
    """

    @property
    def raw(self) -> bool: ...

    def message(self, text: str) -> None:
        """The other side said something."""

    def notice(self, sentence: str) -> None:
        """Something about the conversation that the user should know."""


class StackSummary(Protocol):
    """The layers of a conversation, for display."""

    @property
    def line(self) -> str:
        """The whole stack in one line."""

    @property
    def short_line(self) -> str:
        """The layers between the stream and the screen, in a line that fits in a row of a terminal."""

    @property
    def names(self) -> Mapping[str, str]:
        """The names of the layers by their kind."""

    @property
    def gives(self) -> AbstractSet[Property]:
        """What the layers give together."""


class Conversation(Protocol):
    """What a UI talks to: a conversation with one other side, or a membership of a room."""

    address: str
    failed: bool
    """Whether something that the user asked for could not be done."""

    @property
    def stack(self) -> StackSummary:
        """The layers of the conversation."""

    @property
    def role(self) -> Role:
        """Which end this is: the client or the server."""

    @property
    def identity(self) -> Identity | None:
        """The key that the other side showed, if it showed one."""

    @property
    def ending(self) -> Ending | None:
        """How it ended; None while it goes on."""

    def say(self, text: str) -> None:
        """Say a line, as it was typed; `exit` ends the conversation."""

    def command(self, name: str, args: Sequence[str] = (), request: str | None = None) -> None:
        """Send a command. A `result` or an `error` with this request's id answers it."""

    def tell_typing(self, on: bool = True) -> bool:
        """Tell members who asked for it that this user types, or has stopped. Returns False if this user did not ask for it."""

    def tell_read(self, id: str) -> bool:
        """Tell them that this user has read everything up to the event with this id. Returns False if this user did not ask
        for it.
        """

    async def drain(self) -> None:
        """Wait until more may be said."""

    def stop_reading(self) -> None:
        """Deliver nothing more until `read_on`: for a UI with more events than it can take. The other side has to wait."""

    def read_on(self) -> None:
        """Deliver what was kept, and from now on what arrives."""

    def exit(self, text: str = EXIT) -> None:
        """Say goodbye and end the conversation."""

    def notice(self, sentence: str) -> None:
        """Tell the user."""


class Ui(Layer):
    """Shows a conversation and takes what is typed.

    class Echo(Ui):
        name = "echo"

        async def run(self, conversation):
            while line := await next_line():
                conversation.say(line)
                await conversation.drain()
            conversation.exit()

        def show(self, event):
            if isinstance(event, Message) and not event.own:
                print(event.text)

    What reaches `show` has passed the sanitiser, except for a UI that says `raw` because its own output escapes every control
    character.
    """

    kind = "ui"
    raw: ClassVar[bool] = False
    present: ClassVar[bool] = True
    """Whether a person is here, who can be asked and takes part in a room."""

    stays = False
    """Whether a conversation continues when standard input ends. Set at a server that waits for others."""

    shown = 0
    """How many of the events that it has shown came from no room: see `next_id`."""

    @abstractmethod
    async def run(self, conversation: Conversation) -> None:
        """Read what is typed and say it, until end of input. Cancelled when the conversation ends first.

        It has begun before the first message is shown.
        """

    @abstractmethod
    def show(self, event: Event) -> None:
        """Show an event: see `events.py`. Also called before a conversation opens and after it is over."""

    def next_id(self) -> str:
        """Return the id of the next event that does not come from a room."""
        self.shown += 1
        return f"local/{self.shown}"

    @property
    def shows_own(self) -> bool:
        """Whether it shows what its user says in a chat of two. Asked once for each conversation; False saves an event."""
        return True

    @property
    def interactive(self) -> bool:
        """Whether a person sits at a terminal here, and not a program or a file at a pipe."""
        return False

    @property
    def keeps_details(self) -> bool:
        """Whether its user can ask for notices that are a `detail`, so that they are not shown at once."""
        return False

    async def answer(self, question: Question) -> str | None:
        """Show `question.sentence` and return the next line typed, whatever it says; None at the end of input.

        What was typed before the question is shown is not part of that line. Called for one question at a time, and again for the
        same question if the line is not an answer. Cancelled when the question is withdrawn; it must then remove it from the
        screen. Raises UnknownPeer if nobody can be asked.
        """
        raise UnknownPeer(f"{question.text} Nobody can be asked here.", question.otherwise)

    @cached_property
    def question_queue(self) -> QuestionQueue:
        """All questions for the person at this UI, asked one at a time."""
        return QuestionQueue(self)
