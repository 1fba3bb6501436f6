"""A client's conversation with a room, over one connection or several: it joins, shows events, and reconnects.

Lines are kept until the server acknowledges them. After a cut, the client sends the number of the last event that it received
(`resume`), and the server the number of the client's lines that it received (`taken`). The client sends the missing lines again,
so that nothing is lost and nothing is sent twice.
"""

import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import BadFrame, CannotConnect, ChatError, HandshakeFailed, Refused, StackMismatch
from plytalk.core.contracts.events import Sender
from plytalk.core.contracts.items import EXIT, Extension, is_exit
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.sanitise import clean
from plytalk.core.conversation.ui_hearer import show_closed, show_open, show_two
from plytalk.core.io.background import run_to_completion
from plytalk.plugins.files.file_words import FILE
from plytalk.plugins.files.links import SessionLink
from plytalk.plugins.files.receive_options import Myself, ReceiveOptions
from plytalk.plugins.files.user_files import UserFiles
from plytalk.plugins.rooms.reconnecting import Reconnecting
from plytalk.plugins.rooms.room_chat import ClientState, RoomChat
from plytalk.plugins.rooms.room_events import EVENT, MOST_NAME, ROOM, Kind, RoomEvent, read, write
from plytalk.plugins.rooms.room_input import NO_ROOMS, YOU_SAID_EXIT, RoomInput
from plytalk.plugins.rooms.room_view import RoomView, number

Connect = Callable[[], Awaitable[RoomChat]]
AttendChat = Callable[[RoomChat], Awaitable[Ending]]


class RoomClient(RoomInput):
    """The conversation of a client's UI. It asks for `room` and `name`, empty for any, and for these kinds of `signals`."""

    role = Role.INITIATOR

    def __init__(
        self,
        room: str = "",
        name: str = "",
        reconnect: bool = False,
        signals: frozenset[str] = frozenset(),
        file_options: ReceiveOptions | None = None,
    ) -> None:
        super().__init__(Reconnecting(reconnect), signals)
        self._room, self.name, self._file_options = room, name, file_options or ReceiveOptions()
        self._instance = secrets.token_hex(8)
        self._epoch = ""
        self._last = 0
        self._since = 0  # the first event that can be ours; from it on, events with our name and key are
        self._key: object = None
        self._earlier_name = ""  # our name in the events that were missed during a cut

    # -- the conversation -------------------------------------------------------------------------------------------------

    def begin(self, chat: RoomChat, connect: Connect, attend: AttendChat) -> None:
        """Begin with this connection. `connect` opens another one; `attend` runs the conversation over one until it ends."""
        self.stack, self.address, self._connect, self._attend = chat.stack, chat.address, connect, attend
        self._first, self._view = chat, RoomView(chat.stack.ui, chat.stack.features)
        self.files = UserFiles(chat.stack.ui, self._file_options, lambda: NO_ROOMS if self.state is ClientState.NO_ROOMS else "")
        self._view.renamed = self.files.renamed

    async def over(self) -> Ending:
        """Use one connection after another, until the conversation ends. Raises ChatError if none can be opened and trying again
        would not help.
        """
        try:
            ending = await self._talk(self._first)
            while self._reconnecting.is_due(ending):
                self._part(ending)
                if not await self._reconnecting.wait():
                    ending = YOU_SAID_EXIT
                    break
                ending = await self._return()
            self._ending = ending
            self._view.requests.lose()
            self._tell_unsent()
            return ending
        except ChatError:
            self._tell_unsent()
            raise
        finally:
            await run_to_completion(self.files.close())

    def _tell_unsent(self) -> None:
        """If the client is disconnected and will not reconnect, tell the user how many lines were not sent."""
        waiting = [line for line, request in self._queue if request is None and not is_exit(line)]
        if self.chat is None and (lost := len(self._lines) + len(waiting)):
            self._view.tell(f"You are not connected: {last_lines(lost)} may not have arrived.", "lines-lost")

    async def _talk(self, chat: RoomChat) -> Ending:
        self._reconnecting.begin()
        self._join(chat)
        return await self._attend(chat)

    def _part(self, ending: Ending) -> None:
        """Take note that a connection has ended, or could not be opened, and that another one will be tried."""
        if self.chat:
            self._failed, was = self.failed, self.chat.state
            self.chat = None
            show_closed(self.stack.ui, ending, final=False)
            if was is ClientState.IN_ROOM:
                self._view.tell("You are not connected: trying again. What you type now is sent when you are back.", "away")
        if ending.by is EndedBy.US:
            self._ending = ending
            self._enqueue(EXIT)

    async def _return(self) -> Ending:
        try:
            chat = await self._connect()
        except (CannotConnect, HandshakeFailed, StackMismatch) as error:  # the last: the server is just ending
            if isinstance(error, Refused):
                raise
            return Ending(EndedBy.FAULT, error.sentence, error)
        show_open(self.stack.ui, self)
        return await self._talk(chat)

    @property
    def identity(self) -> Identity | None:
        """The server's key."""
        return (self.chat or self._first).identity

    def interrupt(self) -> bool:
        """Say goodbye and stop reconnecting. Return whether the other side may still receive something."""
        is_open = self.state is not ClientState.AWAY
        self._reconnecting.stop()
        self._say_goodbye()
        return is_open

    # -- joining and rejoining --------------------------------------------------------------------------------------------

    def _join(self, chat: RoomChat) -> None:
        """Ask to join over a new connection, and send the queued lines."""
        self.chat = chat
        if chat.state is ClientState.ASKED:
            self._ask(chat)
        else:
            show_two(self.stack.ui, chat)
        chat.when_over(self._end_connection)
        if not (self._reading or self.ending):  # a client that leaves has to read the welcome first
            chat.stop_reading()
        if chat.state is not ClientState.WAITING:
            self._send_queue(chat)

    def _ask(self, chat: RoomChat) -> None:
        """Ask to join. Commands wait for the answer; if this is a reconnection, so does everything else."""
        self._lines.begin_connection()
        chat.extend(ROOM, partial(self._hear, chat))
        chat.extend(EVENT, self._event)
        chat.extend(FILE, self.files.hear)
        chat.lines = self._lines
        request: dict[str, Any] = {"do": "join", "instance": self._instance}
        if self._room:
            request["room"] = self._room
        if self.name:
            request["name"] = self.name
        if self._signals:
            request["signals"] = sorted(self._signals)
        if self._is_return(chat):
            request["resume"] = {"epoch": self._epoch, "last": self._last}
            self._recount(chat)
        chat.send_item(Extension(ROOM, write(**request)))
        chat.when_read(partial(self._find_no_rooms, chat))
        if self._is_return(chat) or any(request for _, request in self._queue):
            self._wait_for_answer(chat)

    def _is_return(self, chat: RoomChat) -> bool:
        return chat is not self._first

    def _end_connection(self, _: object, ending: Ending) -> None:
        self._may_send.clear()
        self.files.disconnect()

    def _hear(self, chat: RoomChat, body: bytes) -> None:
        said = read(body) or {}
        match said:
            case {"do": "welcome", "room": str(room), "epoch": str(epoch), "you": str(name), "next": int(following)}:
                if max(len(room), len(epoch), len(name)) > MOST_NAME:
                    raise BadFrame(f"The server's welcome has a name of more than {MOST_NAME} characters.")
                if chat.state is not ClientState.IN_ROOM:
                    chat.enter(ClientState.IN_ROOM)
                    self._arrive(chat, said, epoch)
                self._enter(said, room, epoch, name, following)
                self._send_queue(chat)
            case {"do": "you", "room": str(), "you": str(name)}:
                self.name = name
                self._view.introduce(said)
            case {"do": "tell", "text": str(text)}:
                self._view.tell(text)
            case {"do": "result", "command": str(command)}:
                self._view.answer(said, command)
            case {"do": str(kind), "name": str()} if kind in self._signals:
                self._view.signal(said, self._room)
            case {"do": "error", "text": str(text)}:
                chat.failed = True
                self._view.fail(said, text)

    def _arrive(self, chat: RoomChat, said: dict[str, Any], epoch: str) -> None:
        """Take the first welcome of a connection. After a reconnection, send the unacknowledged lines again."""
        lines, taken, view = self._lines, number(said, "taken"), self._view
        lines.welcome()
        if self._epoch in ("", epoch) and taken >= lines.taken:
            lines.acknowledge(taken)
            view.requests.lose(taken)
        else:  # the server has forgotten us, or is another one
            unshown = max(lines.unshown, 0) if epoch != self._epoch else 0  # the same server still has these
            if lost := lines.earlier + unshown:
                view.tell(f"The server was restarted: {last_lines(lost)} may not have arrived.", "lines-lost")
            view.requests.lose(lines.taken + lines.earlier)
            view.requests.renumber(taken - lines.taken - lines.earlier)
            lines.drop_earlier(taken)
        if self._epoch and said.get("missed"):
            why = "You were away too long" if self._epoch == epoch else "The server was restarted"
            view.tell(f"{why}: some of what was said meanwhile is missing here.", "missed")
        if self._epoch:  # not the first welcome
            self._recount(chat)
        self.files.connect(SessionLink(chat), self._myself)
        chat.send_again(lines.said_earlier())

    def _myself(self) -> Myself:
        return Myself(Sender(name=self.name, key=self._key if isinstance(self._key, str) else None), self._room or None)

    def _find_no_rooms(self, chat: RoomChat) -> None:
        """The server has read the request to join and sent no welcome: it has no rooms, and cannot say what it received."""
        if chat.state is ClientState.IN_ROOM or chat.ending:
            return
        show_two(self.stack.ui, chat)
        chat.enter(ClientState.NO_ROOMS)
        if self._is_return(chat):
            if lost := self._lines.earlier:
                self._view.tell(f"This server has no rooms: {last_lines(lost)} may not have arrived.", "lines-lost")
            self._lines.drop_earlier(0)
            self._recount(chat)
            self._view.requests.refuse_all(NO_ROOMS, "no-commands")
        self._send_queue(chat)

    def _recount(self, chat: RoomChat) -> None:
        chat.recount(self._lines.taken, self._lines.said)

    def _enter(self, said: dict[str, Any], room: str, epoch: str, name: str, following: int) -> None:
        back = (room, epoch) == (self._room, self._epoch)
        self._view.since = number(said, "now") or following
        self._earlier_name, renamed = self.name, name != self.name
        self._room, self._epoch, self.name, self._last = room, epoch, name, following - 1
        self._key = said.get("key")
        if not back:
            self._since, self._lines.unshown = self._view.since, 0
        if renamed or not back:  # another member may have taken the name in the meantime
            self._view.introduce(said)

    def _event(self, body: bytes) -> None:
        event = RoomEvent.decode(body)
        if event.id <= self._last:
            return
        self._last = event.id
        missed = event.id < self._view.since
        me = self._earlier_name if missed else self.name
        in_my_name = event.name == me or (event.kind == Kind.TOLD and event.key)  # a private message, sent at another terminal
        mine = bool(in_my_name) and event.id >= self._since and event.fingerprint == self._key
        self._lines.unshown -= mine and event.kind == Kind.SAID
        self._view.happened(event, self._room, mine)
        if mine and event.kind == Kind.RENAMED and missed:
            self._earlier_name = event.text
        elif mine and event.kind == Kind.RENAMED:
            self.name = event.text

    def __repr__(self) -> str:
        return f"<RoomClient {clean(self.name)} in {clean(self._room)}>"


def last_lines(count: int) -> str:
    """Return "your last line" or "your last N lines"."""
    return "your last line" if count == 1 else f"your last {count} lines"
