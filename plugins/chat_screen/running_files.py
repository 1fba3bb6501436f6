"""Files that are being sent or received: each has a bar above the input line until it has ended."""

from datetime import datetime

from msgspec import Struct, field

from plytalk.core.contracts.events import File
from plytalk.core.io.sizes import size_in_words, time_in_words
from plytalk.plugins.chat_screen.event_rows import FAINT, styled
from plytalk.plugins.chat_screen.wrapping import width_of, wrap

MOST_BARS = 4
"""How many are shown at most; the last ones are."""
BAR = 20
"""How many cells a bar has."""


class RunningFile(Struct):
    """A transfer since it last continued: when, and with how many bytes; and its last event."""

    since: datetime
    at: int
    last: File

    @property
    def rate(self) -> float:
        """Bytes a second; 0 where that is not known yet."""
        passed = (self.last.time - self.since).total_seconds()
        return (self.last.done - self.at) / passed if passed > 0 else 0.0


class RunningFiles(Struct):
    """By the number of the transfer."""

    running: dict[str, RunningFile] = field(default_factory=dict)

    def note(self, event: File) -> None:
        """Take in what an event tells of a transfer."""
        if not (event.own or event.incoming):  # what a receiver did
            return
        if event.state not in ("sending", "receiving") or event.done == event.size:
            self.running.pop(event.transfer, None)
        elif known := self.running.get(event.transfer):
            known.last = event
        else:
            self.running[event.transfer] = RunningFile(event.time, event.done, event)

    def rows(self, columns: int) -> list[str]:
        """A row for each."""
        shown = list(self.running.values())[-MOST_BARS:]
        return [styled(wrap(one, columns)[0], FAINT) for one in (row(running, columns) for running in shown)]


def row(one: RunningFile, columns: int) -> str:
    """Name, bar, part, rate and time left, as far as they fit."""
    event, size = one.last, one.last.size
    parts = [f"{100 * event.done // size:3} %" if size else size_in_words(event.done)]
    if one.rate:
        parts.append(f"{size_in_words(one.rate)}/s")
        parts += [f"{time_in_words((size - event.done) / one.rate)} left"] if size else []
    told = "  ".join(parts)
    filled = BAR * event.done // size if size else 0
    whole = f"{event.name}  [{'#' * filled}{'.' * (BAR - filled)}]  {told}"
    return whole if size and width_of(whole) <= columns else f"{event.name}  {told}"
