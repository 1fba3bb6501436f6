"""The person at the server: a member like any other, without a connection."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.events import Sender
from plytalk.core.contracts.handler import ServerStack
from plytalk.core.contracts.interruption import ignore_faults, let_through
from plytalk.core.contracts.items import EXIT, EXIT_SPACE, is_exit
from plytalk.core.contracts.layer import Buffer
from plytalk.core.contracts.limits import too_long
from plytalk.core.contracts.peers import Role
from plytalk.plugins.files.links import LocalLink
from plytalk.plugins.files.receive_options import Myself, ReceiveOptions
from plytalk.plugins.files.user_files import UserFiles
from plytalk.plugins.rooms.command_member import CommandMember
from plytalk.plugins.rooms.event_log import EventLog
from plytalk.plugins.rooms.introduction import introduction
from plytalk.plugins.rooms.member import explained
from plytalk.plugins.rooms.requests import CommandRequest, line_of
from plytalk.plugins.rooms.room import CHUNK, Room, Speaker
from plytalk.plugins.rooms.room_events import READ, TYPING, Kind, Mark, RoomEvent, number_of, read
from plytalk.plugins.rooms.room_view import RoomView
from plytalk.plugins.rooms.signals import pass_on
from plytalk.plugins.rooms.typed_command import TooLong

if TYPE_CHECKING:
    from plytalk.plugins.rooms.hub import Hub

NAME = "server"


class LocalMember(CommandMember):
    """The conversation of the server's UI (`plytalk.core.contracts.ui.Conversation`), without a connection."""

    id, key, marks, muted, hears_events = -1, None, Mark.OPERATOR, False, False
    is_operator = hears_own = True
    running = taken = 0
    away: str | None = None
    last_words = ""
    correspondent: object = None
    full = _failed = False
    holds_back = True
    role, identity = Role.RESPONDER, None

    def __init__(
        self,
        hub: "Hub",
        stack: ServerStack,
        address: str,
        leave: Callable[[], None],
        name: str = "",
        signals: frozenset[str] = frozenset(),
        files: UserFiles | None = None,
    ) -> None:
        self.signals = signals
        self._hub, self.stack, self.address, self._leave = hub, stack, address, leave
        self.ending: Ending | None = None
        self.came = time.time()
        self._company = asyncio.Event()
        self._unheard: list[tuple[str, CommandRequest | None]] = []
        self._view = RoomView(stack.ui, stack.features)
        self._introduced = False
        self.person: object = self
        self.room: Room | None = hub.first
        self.name, self.head = "", b""
        if name:
            self.called(hub.names.take(self, name))
        else:  # a name that is not valid for others
            hub.names.bind(self, NAME)
            self.called(NAME)
        self.files = files or UserFiles(stack.ui, ReceiveOptions())
        self.files.connect(LocalLink(self._send_file_item, self._send_file_data), self._myself)
        self._view.renamed = self.files.renamed
        hub.members[self.id], hub.parting, hub.entered = self, None, self.meet
        hub.first.subscribers[self] = None

    @property
    def failed(self) -> bool:
        return self._failed or self.files.failed

    @failed.setter
    def failed(self, failed: bool) -> None:
        self._failed = self.files.failed = failed

    # -- what the UI does -------------------------------------------------------------------------------------------------

    def say(self, text: str, request: CommandRequest | None = None) -> None:
        if not self._company.is_set() and (self._unheard or not is_exit(text)):
            self._unheard.append((text, request))  # the first member is connected, but not in the room yet
        elif len(text) < EXIT_SPACE and is_exit(text):
            self.exit(text)
        elif self.files.run_line(text):
            pass
        elif not self.ending and self.room and text and not text.isspace():
            self.taken += 1
            if request:
                self._view.requests.add(self.taken, request)
            if why := too_long(text):
                self.fail(self.taken, None, TooLong(why))
            elif text.startswith("/"):
                self._hub.handle_line(self, text)
            else:
                self.speak(text)

    def command(self, name: str, args: Sequence[str] = (), request: str | None = None) -> None:
        """Run a command, as if it were typed."""
        if self.files.run(name, args, request):
            return
        self.say(line_of(name, args), CommandRequest(name, request))

    def tell_typing(self, on: bool = True) -> bool:
        pass_on(self, {"do": TYPING, "on": on})
        return TYPING in self.signals

    def tell_read(self, id: str) -> bool:
        pass_on(self, {"do": READ, "last": number_of(id, self.room.name if self.room else "")})
        return READ in self.signals

    async def drain(self) -> None:
        """Wait until somebody is in the room. If lines come from a program, also wait for members that read slowly."""
        await self._company.wait()
        if not self.stack.ui.interactive:
            while self.room and self.room.lag > CHUNK and not self.ending:
                caught_up = asyncio.Event()
                self.room.waiting.append(caught_up.set)
                await caught_up.wait()

    def stop_reading(self) -> None:
        """Deliver nothing more until `read_on`. Events are kept; if there are many, the server reads less from the others."""
        self.full = True

    def read_on(self) -> None:
        self.full = False
        if self.room:
            self._hub.outbox.touch(self.room)

    def exit(self, text: str = EXIT) -> None:
        if not self.ending:
            self.ending = Ending(EndedBy.US, "You said exit.")
            if not self.files.when_answered(self._go):
                self._go()

    def _go(self) -> None:
        self._hub.loop.call_soon(self._stand_up)  # after the lines said just before are sent

    def _stand_up(self) -> None:
        self._hub.parting = self if len(self._hub.members) == 2 else None
        self.leave_room()
        self._leave()

    def quit(self) -> None:
        self.exit()

    def leave_room(self) -> None:
        """Leave the room."""
        if self._hub.members.get(self.id) is self:  # the id may belong to the next one already
            del self._hub.members[self.id]
        if self.room:
            self.files.disconnect()
            self._hub.exchange.left(self)
            room, self.room = self.room, None
            self._hub.names.release(self)
            room.leave(self)
            room.happen(Kind.LEFT, self, self.last_words)

    def hear_file(self, body: bytes) -> None:
        """Take an item about a file."""
        self.files.hear(body)

    def _send_file_item(self, body: bytes) -> None:
        if self.room:
            self._hub.exchange.hear(self, body)

    def _send_file_data(self, stream: int, data: Buffer) -> None:
        if self.room:
            self._hub.exchange.hear_data(self, stream, data)

    def _myself(self) -> Myself:
        return Myself(Sender(name=self.name), self.room.name if self.room else None)

    def notice(self, sentence: str) -> None:
        self._view.tell(sentence)

    # -- what the room does -----------------------------------------------------------------------------------------------

    def meet(self) -> None:
        """Send the lines that were said before anybody was in the room."""
        if not self._company.is_set():
            self._company.set()
            if not self.ending:
                self._show()
            unheard, self._unheard = self._unheard, []
            for text, request in unheard:
                self.say(text, request)

    def hear(self, event: RoomEvent) -> None:
        self.meet()
        self._show(event)

    def fall_behind(self, log: EventLog, at: int) -> None:
        """Note that its program does not read now. Tell the user if events are missing."""
        if log.first > at:
            self.tell("You were away too long: some of what was said meanwhile is missing here.")

    def hear_late(self, sender: Speaker, text: str) -> None:
        """Show a message of the only other member, which may not know yet that this one has left."""
        if text and not text.isspace():
            self._show(RoomEvent(0, int(time.time() * 1000), Kind.SAID, sender.marks, sender.name, text, sender.digest))

    def _show(self, event: RoomEvent | None = None) -> None:
        room = self.room or self._hub.first
        try:
            if not self._introduced:
                self.introduce()
            if event:
                mine = not event.key and not event.marks & Mark.NO_KEY  # every other member without a key has this mark
                self._view.happened(event, room.name, mine)
        except BaseException as error:  # the room continues without this UI
            let_through(error)
            with ignore_faults():
                self.notice(f"The ui `{self.stack.ui.name}` raised {type(error).__name__}; you have left the room.")
            self.exit()

    def introduce(self) -> None:
        self._introduced = True
        self._view.introduce(read(introduction(self, self.room or self._hub.first)) or {})

    def hear_signal(self, body: bytes) -> None:
        if self.room:
            self._view.signal(read(body) or {}, self.room.name)

    def tell(self, sentence: str) -> None:
        self._view.tell(sentence)

    def succeed(self, line: int, command: str, data: Any, lines: Sequence[str]) -> None:
        """Show the answer to a command. Raises TypeError or ValueError for data that is not JSON."""
        json.dumps(data)
        self._view.answer({"line": line, "data": data, "lines": [*lines]}, command)

    def fail(self, line: int, command: str | None, error: ChatError) -> None:
        """Show why a command or a line was refused."""
        self._failed = True
        said = explained(error)
        self._view.fail({"line": line, "command": command, **said}, said["text"] or "")

    def settle(self) -> None:
        """Do nothing: nothing waits for the end of a command here."""
