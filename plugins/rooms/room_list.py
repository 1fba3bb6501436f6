"""All rooms of a server by name, and the limit of their logs together."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.limits import MIB
from plytalk.core.contracts.measures import Measure
from plytalk.plugins.rooms.event_log import LogEntry, LogSize
from plytalk.plugins.rooms.member_names import room_name
from plytalk.plugins.rooms.room import Pack, Room

if TYPE_CHECKING:
    from plytalk.plugins.rooms.history import History  # brings a database, which most servers need not

KEEP = 1000
"""The number of events that a room keeps for members that reconnect after a cut."""
MAX_ROOMS = 100
"""The largest number of rooms of a server."""
MAX_LOGS = 32 * MIB
"""The bytes of events that all rooms keep together. If there are more, the longest logs are cut in half."""
EMPTY = 600.0
"""The time for which an empty room is kept, in seconds. With a history it is kept permanently, unless there are too many."""


class RoomList(Mapping[str, Room]):
    """The rooms of a server: at the start those in `history`, and the room called `first`."""

    def __init__(
        self, pack: Pack, touched: Callable[[Room], None], first: str, backlog: int = 0, history: "History | None" = None
    ) -> None:
        self._pack, self._touched, self._keep, self._history = pack, touched, max(KEEP, backlog), history
        self._rooms: dict[str, Room] = {}
        self._logs = LogSize(MAX_LOGS, self._bound_logs)
        self._freeing: set[Room] = set()
        self._after = history.after if history else 0  # the events of new rooms have higher numbers
        for kept in history.rooms() if history else ():
            room = self._rooms[kept.name] = self._make(kept.name, kept.after, kept.entries)
            room.topic, room.born = kept.topic, kept.born
        self.first = self.open(first)

    def __getitem__(self, name: str) -> Room:
        return self._rooms[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rooms)

    def __len__(self) -> int:
        return len(self._rooms)

    def open(self, name: str, make: bool = True) -> Room:
        """Return the room with this name, created if necessary. Raises BadName, and Usage if it cannot be created."""
        name = room_name(name)
        if name not in self._rooms:
            if not make:
                raise Usage(f"There is no room {name}, and you are muted here: you cannot make one.", "/rooms lists the rooms.")
            if len(self._rooms) >= MAX_ROOMS:
                self.forget_empty()
            if len(self._rooms) >= MAX_ROOMS:
                raise Usage(f"There are {MAX_ROOMS} rooms already.", "Join one of them: /rooms lists them.")
            self._rooms[name] = self._make(name, self._after)
        return self._rooms[name]

    def _make(self, name: str, after: int, entries: Sequence[LogEntry] = ()) -> Room:
        return Room(name, self._keep, self._pack, self._touched, after, entries, self._logs)

    def _bound_logs(self) -> None:
        """Shorten the longest logs: all together are too long."""
        self.forget_empty()
        while self._logs.kept > MAX_LOGS:
            longest = max((room.log for room in self._rooms.values()), key=lambda log: log.kept)
            longest.shrink(longest.kept // 2)

    def emptied(self, room: Room) -> None:
        """Free an empty room after a while, unless somebody enters it in the meantime."""
        if not self._history and room not in self._freeing:
            self._freeing.add(room)
            asyncio.get_running_loop().call_later(EMPTY, self._free, room)

    def _free(self, room: Room) -> None:
        self._freeing.discard(room)
        if not len(room) and room is not self.first and self._rooms.get(room.name) is room:
            self._after = max(self._after, room.log.next)
            del self._rooms[room.name]
            room.log.shrink(0)

    def forget_empty(self) -> None:
        """Forget the empty rooms. If one is created again, its events have higher numbers, so a returning member sees the gap."""
        self._after = max(self._after, *(room.log.next for room in self._rooms.values()))
        before = self._rooms
        self._rooms = {name: room for name, room in before.items() if len(room) or room is self.first}
        for name in before.keys() - self._rooms.keys():
            before[name].log.shrink(0)
        if self._history:
            self._history.forget_rooms(before.keys() - self._rooms.keys(), self._after)

    def measures(self) -> list[Measure]:
        rooms = self._rooms.values()
        return [
            Measure("plytalk_rooms", "Open rooms.", len(rooms)),
            Measure("plytalk_messages_total", "Messages said.", sum(room.messages for room in rooms), "counter"),
            Measure("plytalk_deliveries_total", "Events sent to members.", sum(room.deliveries for room in rooms), "counter"),
        ]
