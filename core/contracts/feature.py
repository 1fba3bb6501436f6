"""Features: additions to a conversation."""

from collections.abc import Sequence
from typing import ClassVar

from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.events import Event
from plytalk.core.contracts.layer import Layer


class Feature(Layer):
    """An addition to conversations, which the hooks `session_opened` and `session_closed` tell about each of them.

    class Dice(Feature):
        name = "dice"
        commands = (Command("roll", "Roll the dice.", lambda call: call.tell_all(f"{call.sender} rolls {randint(1, 6)}.")),)

    It may add types of events, and slash commands for rooms. A feature can also take conversations in place of the UI: see
    `handler.py`.
    """

    kind = "feature"
    commands: ClassVar[Sequence[Command]] = ()
    events: ClassVar[Sequence[type[Event]]] = ()
    """Types of events that its commands publish (`Call.publish`), for clients that have the feature too."""
