"""Show what happens in a room on a user interface, at the server as at a client."""

from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.ui import Said, Ui
from plytalk.plugins.rooms.room_events import Kind, RoomEvent


def show(ui: Ui, event: RoomEvent, me: str = "", mine: bool = False) -> None:
    """Show an event; `mine` says that it came from this very connection, whose user has seen it already."""
    if line := event.line(me):
        cleaned = str if ui.raw else clean
        kind = Kind(event.kind).name.lower()
        weak = tuple(event.weaknesses) if event.marks else ()
        ui.event(Said(cleaned(line), kind, cleaned(event.name), cleaned(event.text), event.id, event.time, weak, mine))


def tell(ui: Ui, sentence: str) -> None:
    """Show what the server itself says."""
    ui.notice(clean(sentence))
