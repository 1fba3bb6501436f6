"""A client's side of a room: it asks to join, shows what happens, and comes back where the connection was cut.

What was said and not acknowledged is kept. After a cut the client says where it was (`resume`), the server where the client's own
words ended (`taken`), and what is missing goes out again, so that nothing is lost and nothing is said twice.
"""

import secrets
from collections import deque
from typing import Any

from plytalk.core.messages import Extension
from plytalk.core.sanitise import clean
from plytalk.core.session import Session
from plytalk.plugins.rooms.screen import show, tell
from plytalk.plugins.rooms.wire import EVENT, ROOM, Event, Kind, read, write


class Visit:
    """One client's membership, over as many connections as it takes. `room` and `name` are what it asks for; empty for none."""

    def __init__(self, room: str = "", name: str = "") -> None:
        self._room, self.name = room, name
        self._instance = secrets.token_hex(8)
        self._epoch = ""
        self._last = 0
        self._unacknowledged: deque[str] = deque()
        self._taken = 0
        self.welcome = self.sent_away = False

    def opened(self, session: Session) -> None:
        """A connection stands: ask to join."""
        self._session, self.welcome, self.sent_away = session, False, False
        session.extend(ROOM, self._hear)
        session.extend(EVENT, self._event)
        session.keep_count(self._unacknowledged.append, self._acknowledged)
        request: dict[str, Any] = {"do": "join", "instance": self._instance}
        if self._room:
            request["room"] = self._room
        if self.name:
            request["name"] = self.name
        if self._epoch:
            request["resume"] = {"epoch": self._epoch, "last": self._last}
        session.send_item(Extension(ROOM, write(**request)))
        if self._epoch:
            session.hold()  # what is said now comes after what was said before

    def _acknowledged(self, taken: int) -> None:
        while self._taken < taken and self._unacknowledged:
            self._unacknowledged.popleft()
            self._taken += 1

    def _hear(self, body: bytes) -> None:
        said = read(body) or {}
        match said:
            case {"do": "welcome", "room": str(room), "epoch": str(epoch), "you": str(name), "next": int(following)}:
                self._welcomed(said, room, epoch, name, following)
            case {"do": "tell", "text": str(text)}:
                tell(self._session.stack.ui, text)
            case {"do": "refused", "text": str(text)}:
                self.sent_away = True
                tell(self._session.stack.ui, text)

    def _welcomed(self, said: dict[str, Any], room: str, epoch: str, name: str, following: int) -> None:
        returning, self.welcome = bool(self._epoch) and not self.welcome, True
        ui = self._session.stack.ui
        if returning:
            if epoch == self._epoch:
                self._acknowledged(int(said.get("taken") or 0))
            elif self._unacknowledged:
                tell(ui, f"The server was started anew: your last {len(self._unacknowledged)} lines may not have arrived.")
                self._unacknowledged.clear()
                self._taken = 0
            if said.get("missed"):
                tell(ui, "You were away too long: some of what was said meanwhile is missing here.")
            self._session.release(tuple(self._unacknowledged))
        self._room, self._epoch, self.name, self._last = room, epoch, name, following - 1
        here = [str(one) for one in said.get("here") or ()]
        count = said.get("count")
        if isinstance(count, int) and count > 2 and not returning:
            more = f" and {count - 1 - len(here)} more" if count - 1 > len(here) else ""
            tell(ui, f"You are {name} in {room}, with {', '.join(here)}{more}. /help lists what you can do.")
            if topic := said.get("topic"):
                tell(ui, f"The topic is: {topic}")

    def _event(self, body: bytes) -> None:
        event = Event.decode(body)
        if event.id <= self._last:
            return
        self._last = event.id
        mine = event.name == self.name
        show(self._session.stack.ui, event, self.name, mine)
        if mine and event.kind == Kind.RENAMED:
            self.name = event.text

    def __repr__(self) -> str:
        return f"<Visit {clean(self.name)} in {clean(self._room)}>"
