"""The user's own lines that the server has not accepted yet: they stand above the input line until they come back as events."""

from datetime import datetime

from msgspec import Struct, field

from plytalk.core.contracts.events import Closed, Error, Event, Message, Open
from plytalk.core.contracts.limits import TOO_LONG
from plytalk.core.contracts.sanitise import clean
from plytalk.plugins.chat_screen.event_rows import FAINT, styled
from plytalk.plugins.chat_screen.wrapping import wrap

MOST_ROWS = 6
"""How many rows of them are shown; of more, the last ones."""
NOT_SENT = " (not sent)"


def is_command(line: str) -> bool:
    """Whether a line is a command to the server. Two slashes begin a message that begins with one."""
    return line.startswith("/") and not line.startswith("//")


class PendingLines(Struct):
    """`is_cut` says that there is no connection: what is typed then waits for the next one, commands too."""

    waiting: list[tuple[datetime, str]] = field(default_factory=list)
    is_cut: bool = False

    def add(self, line: str) -> None:
        """A line was typed. A command is kept during a cut only: otherwise its answer is here in a moment."""
        if line.strip() and (self.is_cut or not is_command(line)):
            self.waiting.append((datetime.now(), clean(line)))

    def note(self, event: Event) -> None:
        """Drop what is accepted or refused, and everything before it: a server takes lines in their order."""
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
        """One of them was refused: the first, or the longest where that is why."""
        if self.waiting:
            longest = max(range(len(self.waiting)), key=lambda number: len(self.waiting[number][1]))
            del self.waiting[longest if code == TOO_LONG else 0]

    def take(self) -> list[str]:
        """Forget them all; the lines, each marked as not sent."""
        waiting, self.waiting = self.waiting, []
        return [f"{at:%H:%M} {line}{NOT_SENT}" for at, line in waiting]

    def rows(self, name: str, prompt: str, columns: int) -> list[str]:
        """As rows for a terminal: with the time and the user's name, or where that is not known behind the prompt."""
        rows: list[str] = []
        for at, line in self.waiting[-MOST_ROWS:]:
            head = f"{at:%H:%M} {name}: " if name else prompt
            rows += wrap(f"{head}{line}{NOT_SENT if self.is_cut else ''}", columns)
        return [styled(row, FAINT) for row in rows[-MOST_ROWS:]]
