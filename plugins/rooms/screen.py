"""How what happens in a room comes to a screen, at the server as at a client. Between two it looks as it would without a room."""

from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.ui import Said, Ui
from plytalk.plugins.rooms.events import SEEN, Kind, Mark, RoomEvent


def show(ui: Ui, event: RoomEvent, me: str = "", mine: bool = False) -> None:
    """Show an event; `mine` says that it came from this very connection, whose user has seen it already."""
    cleaned = str if ui.raw else clean
    if event.marks & Mark.TWO and event.kind in SEEN and mine:
        return
    if event.marks == Mark.TWO and event.kind == Kind.SAID:
        ui.message(cleaned(event.line(me)))
    elif line := event.shown(me):
        kind = Kind(event.kind).name.lower()
        weak = tuple(event.weaknesses)
        ui.event(Said(cleaned(line), kind, cleaned(event.name), cleaned(event.text), event.id, event.time, weak, mine))


def tell(ui: Ui, sentence: str) -> None:
    """Show what the server itself says."""
    ui.notice(clean(sentence))
