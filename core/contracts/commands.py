"""Slash commands: what a feature offers to the people in a room, typed as `/NAME ...`.

    Command("roll", "Roll the dice: /roll 2d6.", roll)

    def roll(call):
        call.tell_all(f"{call.sender} rolls {randint(1, 6)}.")

They run at the server, so nobody else needs the feature.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec import Struct


class Call(Protocol):
    """One use of a command: who typed it, its arguments, and what it may do."""

    sender: str
    rest: str
    room: str

    @property
    def is_operator(self) -> bool:
        """Whether the sender may do what operators may."""

    def tell(self, sentence: str) -> None:
        """Tell the sender alone: a line of the answer, or where the command goes on meanwhile, at once."""

    def answer(self, data: Any, lines: Sequence[str] = ()) -> None:
        """What the answer says: `data` to programs, as JSON can write it, and `lines` to people."""

    def tell_all(self, text: str) -> None:
        """Say something to the whole room, in the sender's name, as part of what is kept."""

    def publish(self, kind: str, body: str, text: str) -> None:
        """Send the whole room an event of a custom type, with a JSON object as its body.

        A client whose features have a type of event with this tag (`Feature.events`) gets that, made of the body's fields;
        others get a notice with the text.
        """


class Command(Struct, frozen=True):
    """`name` without its slash, one sentence of help, and what to run with a `Call`; it may be a coroutine function.

    Every use is answered, for the sender alone, when `run` is done: with what it told and answered, or with the ChatError that it
    raises. `operators` keeps it for the room's operators.
    """

    name: str
    help: str
    run: Callable[[Any], object]
    operators: bool = False
