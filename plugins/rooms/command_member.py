"""A participant who can type commands: a member over a connection, or the person at the server."""

from collections.abc import Sequence
from typing import Any

from plytalk.core.contracts.errors import ChatError
from plytalk.plugins.rooms.room import Speaker


class CommandMember(Speaker):
    """`taken` counts the lines that it has typed, and `running` its unfinished commands.

    `person` is the same for all connections of one key. With `hears_events`, it is sent answers as data, otherwise as lines.
    `came` is when it came, in seconds since 1970. `away` is the reason why it is away, None if it is not. `correspondent` is the
    `person` that sent it the last private message. `last_words` are shown to the others when it leaves; empty for none.
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
        """Leave the chat."""

    def introduce(self) -> None:
        """Tell it its name and room, and who else is there."""

    def tell(self, sentence: str) -> None:
        """Send a sentence to this participant only."""

    def succeed(self, line: int, command: str, data: Any, lines: Sequence[str]) -> None:
        """Send the answer to a command; `line` is its number. Raises Usage, and TypeError for data that is not JSON."""

    def fail(self, line: int, command: str | None, error: ChatError) -> None:
        """Send the reason why a command or a line was refused."""

    def hear_signal(self, body: bytes) -> None:
        """Pass on the signal of another member, as a JSON object of the server."""

    def settle(self) -> None:
        """Note that a command has finished, or that everything the member has said so far is done."""
