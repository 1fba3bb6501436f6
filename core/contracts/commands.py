"""Slash commands: what a feature offers to the people in a room, typed as `/NAME ...`.

    Command("roll", "Roll the dice: /roll 2d6.", roll)

    def roll(call):
        call.tell_all(f"{call.sender} rolls {randint(1, 6)}.")

They run at the server, so nobody else needs the feature.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


class Call(Protocol):
    """One use of a command: who typed it, its arguments, and what it may do."""

    sender: str
    rest: str
    room: str

    @property
    def is_operator(self) -> bool:
        """Whether the sender may do what operators may."""

    def tell(self, sentence: str) -> None:
        """Tell the sender alone."""

    def tell_all(self, text: str) -> None:
        """Say something to the whole room, in the sender's name, as part of what is kept."""

    def publish(self, kind: str, body: str, text: str) -> None:
        """Send the whole room an event of a custom type. A client that does not know `kind` shows `text`."""


@dataclass(frozen=True)
class Command:
    """`name` without its slash, one sentence of help, and what to run with a `Call`; it may be a coroutine function.

    What it raises as a ChatError is told to the sender alone.

    `operators` keeps it for the room's operators.
    """

    name: str
    help: str
    run: Callable[[Any], object]
    operators: bool = False
