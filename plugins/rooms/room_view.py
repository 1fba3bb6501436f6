"""What a client shows of its room: who is there, what happens, and the answers to commands."""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from plytalk.core.contracts.events import Read, Renamed, Result, Sender, Typing, You, now, refuse
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.ui import Ui
from plytalk.plugins.rooms.requests import CommandRequest, Requests
from plytalk.plugins.rooms.room_events import RoomEvent
from plytalk.plugins.rooms.ui_events import as_event, cleaned, sender_of, tell, types_of

MAX_SHOWN = 100
"""The largest number of members named to a newcomer."""


class RoomView:
    """Shows a room on a UI. `requests` are the unanswered commands. Events before number `since` are shown as replayed."""

    def __init__(self, ui: Ui, features: Iterable[Feature] = ()) -> None:
        self.ui = ui
        self._types = types_of(features)
        self.requests = Requests(ui)
        self.since = 0
        self.renamed: Callable[[Sender, str], None] = lambda member, name: None
        """Called with a member and its new name."""

    def tell(self, sentence: str, code: str | None = None) -> None:
        """Show a sentence."""
        tell(self.ui, sentence, code)

    def introduce(self, said: dict[str, Any]) -> None:
        """Show the user's name and room and the other members: from a welcome, or when these have changed."""
        ui, here = self.ui, said.get("here")
        if why := said.get("why"):
            self.tell(str(why), "renamed")
        others = tuple(sender_of(one, ui.raw) for one in here[:MAX_SHOWN]) if isinstance(here, list) else ()
        room, topic = cleaned([said.get("room"), str(said.get("topic") or "")], ui.raw)
        present = max(number(said, "count"), len(others) + 1)
        ui.show(
            You(
                id=ui.next_id(), time=now(), sender=sender_of({**said, "name": said.get("you")}, ui.raw), room=room,
                topic=topic or None, operator=said.get("operator") is True, present=present, others=others,
            )
        )  # fmt: skip

    def happened(self, event: RoomEvent, room: str, mine: bool) -> None:
        """Show an event of the room. `mine` says that it is this user's own."""
        if shown := as_event(event, room, mine, event.id < self.since, self.ui.raw, self._types):
            self.ui.show(shown if event.id else replace(shown, id=self.ui.next_id()))  # 0: not in the log
            if isinstance(shown, Renamed):
                self.renamed(shown.sender, shown.name)

    def signal(self, said: dict[str, Any], room: str) -> None:
        """Show a signal of a member."""
        member: dict[str, Any] = {"time": now(), "sender": sender_of(said, self.ui.raw), "room": cleaned(room, self.ui.raw)}
        match said:
            case {"do": "typing", "on": bool(on)}:
                self.ui.show(Typing(id=self.ui.next_id(), **member, on=on))
            case {"do": "read", "last": int(last)}:
                self.ui.show(Read(id=self.ui.next_id(), **member, last=f"{member['room']}/{int(last)}"))

    def answer(self, said: dict[str, Any], command: str) -> None:
        """Show the answer to a command."""
        request = self.requests.take(said.get("line")) or CommandRequest(cleaned(command, self.ui.raw), None)
        lines = said.get("lines")
        data, shown = cleaned([said.get("data"), lines if isinstance(lines, list) else []], self.ui.raw)
        self.ui.show(
            Result(
                id=self.ui.next_id(), time=now(), command=request.command, request=request.id, data=data,
                lines=tuple(map(str, shown)),
            )
        )  # fmt: skip

    def fail(self, said: dict[str, Any], text: str) -> None:
        """Show why a command or a line was refused."""
        command = said.get("command")
        named = cleaned(command, self.ui.raw) if isinstance(command, str) else ""
        request = self.requests.take(said.get("line")) or CommandRequest(named, None)
        text, code, hint = cleaned([text, str(said.get("code") or "failed"), str(said.get("hint") or "")], self.ui.raw)
        refuse(self.ui, text, code.replace("_", "-"), hint, command=request.command or None, request=request.id)


def number(said: dict[str, Any], name: str) -> int:
    """Return a positive number that the server sent under this name; 0 for anything else."""
    value = said.get(name)
    return value if type(value) is int and value > 0 else 0
