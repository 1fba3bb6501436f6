"""Somebody who types commands in a room: a member over a connection, or the person at the server."""

from collections.abc import Sequence
from typing import Any

from plytalk.core.contracts.errors import ChatError
from plytalk.plugins.rooms.room import Speaker


class CommandMember(Speaker):
    """`taken` counts the lines that it has typed, `running` the commands of it that have not finished.

    `person` is the same for all connections of one key. One that `hears_events` is sent answers as data, others as lines. It came
    at the time `came`, in seconds since 1970. `away` says why it is away, and is None where it is here. `correspondent` is the
    `person` that wrote to it in private last. `last_words` are what the others see when it leaves, empty for nothing.
    """

    __slots__ = ("away", "came", "correspondent", "hears_events", "last_words", "muted", "person", "running", "signals", "taken")
    away: str | None
    came: float
    correspondent: object
    person: object
    taken: int
    running: int
    last_words: str
    muted: bool
    hears_events: bool
    signals: frozenset[str]
    """The kinds of signals that it asked for: see `signals.py`."""

    @property
    def is_operator(self) -> bool:
        """Whether it may use the commands for operators."""
        return False

    def quit(self) -> None:
        """It leaves the chat."""

    def introduce(self) -> None:
        """Tell it who it is, in which room, and with whom."""

    def tell(self, sentence: str) -> None:
        """Tell it alone, as the server."""

    def succeed(self, line: int, command: str, data: Any, lines: Sequence[str]) -> None:
        """Answer a command, which was the member's line of this number. Raises Usage, and TypeError for data that is not JSON."""

    def fail(self, line: int, command: str | None, error: ChatError) -> None:
        """Say why a line was not done."""

    def hear_signal(self, body: bytes) -> None:
        """Another member signals something, as the server's own object."""

    def settle(self) -> None:
        """A command has finished, or all that the member has said until now is done."""
