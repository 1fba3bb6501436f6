"""Slash commands that a feature offers to the people in a room, typed as `/NAME ...`.

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
        """Whether the sender is an operator."""

    def tell(self, sentence: str) -> None:
        """Tell the sender alone: a line of the answer, shown at once if the command takes longer."""

    def answer(self, data: Any, lines: Sequence[str] = ()) -> None:
        """Set the answer: `data` for programs, which JSON must be able to represent, and `lines` for people."""

    def tell_all(self, text: str) -> None:
        """Say something to the whole room, in the sender's name. The room keeps it like a message."""

    def publish(self, kind: str, body: str, text: str) -> None:
        """Send the whole room an event of a custom type, with a JSON object as its body.

        A client with a feature that has this type of event (`Feature.events`) gets such an event, with the body's fields; other
        clients get a notice with the text.
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
