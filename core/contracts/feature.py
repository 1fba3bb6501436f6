"""Features: what lives beside a conversation."""

from collections.abc import Sequence
from typing import ClassVar

from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.events import Event
from plytalk.core.contracts.layer import Layer


class Feature(Layer):
    """Something that lives beside a conversation and hears of it by the hooks `session_opened` and `session_closed`.

    class Dice(Feature):
        name = "dice"
        commands = (Command("roll", "Roll the dice.", lambda call: call.tell_all(f"{call.sender} rolls {randint(1, 6)}.")),)

    It may bring types of events, and slash commands for rooms. One that takes conversations in place of the UI is described in
    `handler.py`.
    """

    kind = "feature"
    commands: ClassVar[Sequence[Command]] = ()
    events: ClassVar[Sequence[type[Event]]] = ()
    """Types of events that its commands publish (`Call.publish`), for clients that have the feature too."""
