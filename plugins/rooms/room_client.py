"""A client's conversation with a room, over as many connections as it takes: it asks to join, shows what happens, and comes back.

What was said and not acknowledged is kept. After a cut the client says where it was (`resume`), the server where the client's own
words ended (`taken`), and what is missing goes out again, so that nothing is lost and nothing is said twice.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import CannotConnect, HandshakeFailed, Refused, StackMismatch
from plytalk.core.contracts.items import EXIT, Extension, is_exit
from plytalk.core.contracts.sanitise import clean
from plytalk.plugins.rooms.kept_lines import KeptLines
from plytalk.plugins.rooms.reconnecting import Reconnecting
from plytalk.plugins.rooms.room_chat import RoomChat
from plytalk.plugins.rooms.room_events import EVENT, ROOM, Kind, RoomEvent, read, write
from plytalk.plugins.rooms.screen import show, tell

Connect = Callable[[], Awaitable[RoomChat]]
AttendChat = Callable[[RoomChat], Awaitable[Ending]]

MAX_SHOWN = 100
"""How many of the members present are named to a newcomer."""


class RoomClient:
    """What a client's UI talks to. `room` and `name` are what it asks for; empty for none.

    `chat` is the conversation over the present connection, None while there is none: what is said then waits for the next.
    """

    def __init__(self, room: str = "", name: str = "", reconnect: bool = False) -> None:
        self._room, self.name = room, name
        self._reconnecting = Reconnecting(reconnect)
        self.chat: RoomChat | None = None
        self._attached = asyncio.Event()
        self._waiting: list[str] = []
        self._ending: Ending | None = None
        self._failed = False
        self._instance = secrets.token_hex(8)
        self._epoch = ""
        self._last = 0
        self._since = 0  # from this event on, those in our name are ours
        self._lines = KeptLines()
        self._returning = self.welcome = self.sent_away = False
        self._leaving = False  # the user has said exit while there was no connection, or on one that was cut before it arrived

    # -- the conversation -------------------------------------------------------------------------------------------------

    def begin(self, chat: RoomChat, connect: Connect, attend: AttendChat) -> None:
        """Begin with this connection; `connect` opens another one, and `attend` talks over one until it is over."""
        self.stack, self.address, self._connect, self._attend = chat.stack, chat.address, connect, attend
        self._first = chat

    async def over(self) -> Ending:
        """Talk over one connection after the other. Raises ChatError where none can be had for a reason that will not go away."""
        ending = await self._talk(self._first)
        while self._reconnecting.is_due(ending):
            self._part(ending)
            if not await self._reconnecting.wait():
                ending = Ending(EndedBy.US, "You said exit.")
                break
            ending = await self._return()
        self._ending = ending
        return ending

    async def _talk(self, chat: RoomChat) -> Ending:
        self._reconnecting.begin()
        self._join(chat)
        return await self._attend(chat)

    def _part(self, ending: Ending) -> None:
        """A connection is over, or could not be had, and another one is wanted."""
        if self.chat:
            self._failed = self.failed
            self.chat = None
            self.stack.ui.closed(self, ending)
            if self.welcome:
                tell(self.stack.ui, "You are not connected: trying again. What you type now is sent when you are back.")
        if ending.by is EndedBy.US:
            self._leaving, self._ending = True, ending

    async def _return(self) -> Ending:
        try:
            chat = await self._connect()
        except (CannotConnect, HandshakeFailed, StackMismatch) as error:  # the last: the server is just ending
            if isinstance(error, Refused):
                raise
            return Ending(EndedBy.FAULT, error.sentence, error)
        self.stack.ui.opened(self)
        return await self._talk(chat)

    @property
    def ending(self) -> Ending | None:
        """The ending of the whole conversation; the user's own goodbye already when it is said."""
        said = self.chat and self.chat.ending
        return self._ending or (said if said and said.by is EndedBy.US else None)

    @property
    def failed(self) -> bool:
        return self._failed or (self.chat is not None and self.chat.failed)

    @failed.setter
    def failed(self, failed: bool) -> None:
        self._failed = failed

    def say(self, text: str) -> None:
        if self._attached.is_set() and self.chat:
            self.chat.say(text)
        elif is_exit(text):
            self.exit(text)
        else:
            self._waiting.append(text)

    async def drain(self) -> None:
        """Wait until more may be said. While there is no connection a program waits for one, and a person may go on typing."""
        if self._attached.is_set() and self.chat:
            await self.chat.drain()
        elif not self.stack.ui.interactive:
            await self._attached.wait()

    def exit(self, text: str = EXIT) -> None:
        if self._attached.is_set() and self.chat:
            self.chat.exit(text)
        elif not self.ending:
            self._leaving, self._ending = True, Ending(EndedBy.US, "You said exit.")
            if not self._waiting and not len(self._lines):
                self._reconnecting.stop()

    def interrupt(self) -> bool:
        """Say goodbye and connect no more; whether the other side may still receive something."""
        is_open = self._attached.is_set()
        self._reconnecting.stop()
        self.exit()
        return is_open

    def notice(self, sentence: str) -> None:
        if self.chat:
            self.chat.notice(sentence)
        else:
            tell(self.stack.ui, sentence)

    # -- joining, and coming back -----------------------------------------------------------------------------------------

    def _join(self, chat: RoomChat) -> None:
        """A connection has opened: ask to join, and say what was said meanwhile."""
        leaves_later = self._returning  # behind what was said before
        if chat.stack.make_messages.layer.extensible:
            self.opened(chat)
        self.chat, waiting, self._waiting = chat, self._waiting, []
        self._attached.set()
        chat.when_over(self._over)
        for text in waiting:
            chat.say(text)
        if self._leaving and not leaves_later:
            chat.exit()

    def opened(self, session: RoomChat) -> None:
        """Ask to join. On a return, hold back what is said now, and say exit behind it where the user has."""
        self._session, self.welcome, self.sent_away = session, False, False
        self._lines.begin_connection()
        session.extend(ROOM, self._hear)
        session.extend(EVENT, self._event)
        session.lines = self._lines
        request: dict[str, Any] = {"do": "join", "instance": self._instance}
        if self._room:
            request["room"] = self._room
        if self.name:
            request["name"] = self.name
        if self._returning:
            request["resume"] = {"epoch": self._epoch, "last": self._last}
        session.send_item(Extension(ROOM, write(**request)))
        if self._returning:
            session.when_read(self._no_rooms)
            session.hold()  # what is said now comes after what was said before
            self._recount()
        self._returning = True

    def _over(self, session: object, ending: Ending) -> None:
        self._attached.clear()
        self.sent_away = ending.is_final

    def _hear(self, body: bytes) -> None:
        said = read(body) or {}
        match said:
            case {"do": "welcome", "room": str(room), "epoch": str(epoch), "you": str(name), "next": int(following)}:
                if not self.welcome:
                    self.welcome = True
                    self._lines.welcome()
                    self._arrived(said, epoch)
                self._enter(said, room, epoch, name, following)
            case {"do": "you", "room": str(), "you": str()} if why := said.get("why"):
                tell(self._session.stack.ui, str(why))
            case {"do": "tell", "text": str(text)}:
                tell(self._session.stack.ui, text)
            case {"do": "result", "lines": list(lines)}:
                for line in lines:
                    tell(self._session.stack.ui, str(line))
            case {"do": "error", "text": str(text)}:
                self._session.failed = True
                tell(self._session.stack.ui, f"{text} {said.get('hint') or ''}".strip())

    def _arrived(self, said: dict[str, Any], epoch: str) -> None:
        """The first welcome of a connection: on a return, what has not been taken yet is said again."""
        ui, lines, taken = self._session.stack.ui, self._lines, number(said, "taken")
        if self._epoch in ("", epoch) and taken >= lines.taken:
            lines.acknowledge(taken)
        else:  # it has forgotten us, if it is the same server at all
            unshown = max(lines.unshown, 0) if epoch != self._epoch else 0  # the same server has what it has taken
            if lost := lines.earlier + unshown:
                tell(ui, f"The server was restarted: your last {lost} lines may not have arrived.")
            lines.drop_earlier(taken)
        if self._epoch and said.get("missed"):
            tell(ui, "You were away too long: some of what was said meanwhile is missing here.")
        if self._epoch:  # it has been here before
            self._recount()
        self._release(lines.said_earlier())

    def _no_rooms(self) -> None:
        """The server has read the request to join and has not said welcome: it cannot say what it has taken either."""
        if self.welcome:
            return
        if lost := self._lines.earlier:
            tell(self._session.stack.ui, f"This server has no rooms: your last {lost} lines may not have arrived.")
        self._lines.drop_earlier(0)
        self._recount()
        self._release()

    def _recount(self) -> None:
        self._session.recount(self._lines.taken, self._lines.taken + len(self._lines))

    def _release(self, before: Sequence[str] = ()) -> None:
        self._session.release(before)
        if self._leaving:
            self._session.exit()

    def _enter(self, said: dict[str, Any], room: str, epoch: str, name: str, following: int) -> None:
        back = (room, epoch) == (self._room, self._epoch)
        self._room, self._epoch, self.name, self._last = room, epoch, name, following - 1
        if back:
            return
        self._since, self._lines.unshown = number(said, "now") or following, 0
        self._introduce(said, room, name)

    def _introduce(self, said: dict[str, Any], room: str, name: str) -> None:
        here = said.get("here")
        listed = [one.get("name") for one in here[:MAX_SHOWN] if isinstance(one, dict)] if isinstance(here, list) else []
        names = [name for name in listed if isinstance(name, str)]
        more = number(said, "count") - 1 - len(names)
        company = ", ".join([*names, *([f"{more} more"] if more > 0 else [])]) or "nobody else"
        ui = self._session.stack.ui
        if why := said.get("why"):
            tell(ui, str(why))
        tell(ui, f"You are {name} in {room}, with {company}. /help lists what you can do.")
        if topic := said.get("topic"):
            tell(ui, f"The topic is: {topic}")

    def _event(self, body: bytes) -> None:
        event = RoomEvent.decode(body)
        if event.id <= self._last:
            return
        self._last = event.id
        mine = event.name == self.name and event.id >= self._since
        self._lines.unshown -= mine and event.kind == Kind.SAID
        show(self._session.stack.ui, event, self.name, mine)
        if mine and event.kind == Kind.RENAMED:
            self.name = event.text

    def __repr__(self) -> str:
        return f"<RoomClient {clean(self.name)} in {clean(self._room)}>"


def number(said: dict[str, Any], name: str) -> int:
    """A number that the server says; 0 for anything else."""
    value = said.get(name)
    return value if isinstance(value, int) and value > 0 else 0
