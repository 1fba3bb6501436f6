"""The user's own lines that the server has not accepted yet. They are shown above the input line until they come back as
events.
"""

from datetime import datetime

from msgspec import Struct, field

from plytalk.core.contracts.events import Closed, Error, Event, Message, Open
from plytalk.core.contracts.limits import TOO_LONG
from plytalk.core.contracts.sanitise import clean
from plytalk.plugins.chat_screen.event_rows import FAINT, styled
from plytalk.plugins.chat_screen.wrapping import wrap

MOST_ROWS = 6
"""How many rows of them are shown at most; the last ones are."""
NOT_SENT = " (not sent)"


def is_command(line: str) -> bool:
    """Whether a line is a command to the server. Two slashes begin a message that begins with one."""
    return line.startswith("/") and not line.startswith("//")


class PendingLines(Struct):
    """`is_cut` says that there is no connection: lines then wait for the next one, including commands."""

    waiting: list[tuple[datetime, str]] = field(default_factory=list)
    is_cut: bool = False

    def add(self, line: str) -> None:
        """Add a typed line. Commands are only kept while there is no connection: otherwise the answer comes in a moment."""
        if line.strip() and (self.is_cut or not is_command(line)):
            self.waiting.append((datetime.now(), clean(line)))

    def note(self, event: Event) -> None:
        """Remove a line that was accepted or refused, and all before it: a server handles lines in order."""
        if isinstance(event, Message) and event.own:
            self._accepted(event.text.strip())
        elif isinstance(event, Error) and event.command is None and event.request is None:
            self._refused(event.code)
        elif isinstance(event, Closed):
            self.is_cut = not event.final
        elif isinstance(event, Open):
            self.is_cut = False
            self.waiting = [(at, line) for at, line in self.waiting if not is_command(line)]

    def _accepted(self, text: str) -> None:
        same = (number for number, (_, line) in enumerate(self.waiting) if line.strip().endswith(text))
        if (number := next(same, None)) is not None:
            del self.waiting[: number + 1]

    def _refused(self, code: str) -> None:
        """Remove the line that was refused: the first, or the longest if it was too long."""
        if self.waiting:
            longest = max(range(len(self.waiting)), key=lambda number: len(self.waiting[number][1]))
            del self.waiting[longest if code == TOO_LONG else 0]

    def take(self) -> list[str]:
        """Remove all. Return the lines, each marked as not sent."""
        waiting, self.waiting = self.waiting, []
        return [f"{at:%H:%M} {line}{NOT_SENT}" for at, line in waiting]

    def rows(self, name: str, prompt: str, columns: int) -> list[str]:
        """Rows for a terminal: with the time and the user's name or, if that is not known, after the prompt."""
        rows: list[str] = []
        for at, line in self.waiting[-MOST_ROWS:]:
            head = f"{at:%H:%M} {name}: " if name else prompt
            rows += wrap(f"{head}{line}{NOT_SENT if self.is_cut else ''}", columns)
        return [styled(row, FAINT) for row in rows[-MOST_ROWS:]]
