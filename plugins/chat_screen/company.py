"""The members of the room and the server's commands, learned from events: for completion, and to find the key of a member."""

from itertools import islice

from msgspec import Struct, field

from plytalk.core.contracts.events import Event, Joined, Left, MemberEvent, Message, Renamed, Result, Sender, You

MOST = 1000
"""How many members, and how many rooms, are remembered: a server can name any number."""


class Company(Struct):
    """The members present, the last speaker first, each with the fingerprint of its key; and the rooms this user has been in.

    `commands` is what /help has listed, plugins' commands too; empty until then.
    """

    keys: dict[str, str | None] = field(default_factory=dict)
    rooms: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    me: str = ""

    def note(self, event: Event) -> None:
        """Note what an event tells."""
        if isinstance(event, You):
            self._enter(event)
        elif isinstance(event, Result) and event.command == "help" and isinstance(event.data, list):
            named = [one.get("name") for one in event.data if isinstance(one, dict)]
            self.commands = [name for name in named if isinstance(name, str)] if len(named) > 1 else self.commands
        elif isinstance(event, MemberEvent) and event.sender.name:
            self._member(event, event.sender.name)

    def _enter(self, you: You) -> None:
        self.me = you.sender.name or ""
        if you.room and you.room not in self.rooms:
            self.rooms = [*self.rooms[1 - MOST :], you.room]
        self.keys = {other.name: other.key for other in you.others[:MOST] if other.name}

    def _member(self, event: MemberEvent, name: str) -> None:
        if isinstance(event, Left):
            self.keys.pop(name, None)
        elif isinstance(event, Renamed):
            self.keys.pop(name, None)
            self._here(event.name, event.sender.key)
            if name == self.me and event.own:
                self.me = event.name
        elif isinstance(event, Joined | Message) and not event.replayed:
            self._here(name, event.sender.key)

    def _here(self, name: str, key: str | None) -> None:
        known = self.keys.pop(name, None)
        self.keys = dict(islice({name: key or known, **self.keys}.items(), MOST))

    @property
    def names(self) -> list[str]:
        """The names of the others."""
        return [name for name in self.keys if name != self.me]

    def who(self, sender: Sender) -> str:
        """What identifies a member: the key, or without one the name."""
        return sender.key or sender.name or ""
