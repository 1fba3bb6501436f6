"""What a client's user types: sent at once, or queued until the server answers or the client has reconnected."""

import asyncio
from collections.abc import Sequence
from functools import partial

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.items import EXIT, EXIT_SPACE, Extension, is_exit
from plytalk.core.contracts.limits import SPLIT, TOO_LONG, too_long
from plytalk.core.contracts.sanitise import clean
from plytalk.core.stack.selection import Stack
from plytalk.plugins.files.user_files import UserFiles
from plytalk.plugins.rooms.reconnecting import Reconnecting
from plytalk.plugins.rooms.requests import NAME, CommandRequest, line_of
from plytalk.plugins.rooms.room_chat import ClientState, KeptLines, RoomChat
from plytalk.plugins.rooms.room_events import READ, ROOM, TYPING, number_of, write
from plytalk.plugins.rooms.room_view import RoomView

BARE = "Write the name alone, such as who; what follows it are arguments."
NO_ROOMS = "The other side has no rooms, and so no commands."
NOT_SENT = "The command was not sent."
YOU_SAID_EXIT = Ending(EndedBy.US, "You said exit.")


def is_quit(line: str) -> bool:
    """Whether the line is the command to leave. The server tells the others the reason; this side then says goodbye itself."""
    return line.split(" ", 1)[0].lower() == "/quit"


class RoomInput:
    """`chat` is the conversation over the current connection, None while disconnected; `state` says whether lines are sent.

    The queue holds lines, each with its request if a program gave it as a command. The last one may be the user's goodbye.
    """

    stack: Stack
    files: UserFiles
    _view: RoomView

    def __init__(self, reconnecting: Reconnecting, signals: frozenset[str]) -> None:
        self._reconnecting, self._signals, self._room = reconnecting, signals, ""
        self.chat: RoomChat | None = None
        self._may_send = asyncio.Event()
        """Set while lines are sent at once. A program waits for it before it sends more."""
        self._queue: list[tuple[str, CommandRequest | None]] = []
        self._lines = KeptLines()
        self._ending: Ending | None = None
        self._failed = False
        self._reading = True

    @property
    def state(self) -> ClientState:
        return self.chat.state if self.chat and not self.chat.ending else ClientState.AWAY

    @property
    def ending(self) -> Ending | None:
        """How the whole conversation ended, or the user's own goodbye as soon as it is said."""
        said = self.chat and self.chat.ending
        return self._ending or (said if said and said.by is EndedBy.US else None)

    @property
    def failed(self) -> bool:
        return self._failed or self.files.failed or (self.chat is not None and self.chat.failed)

    @failed.setter
    def failed(self, failed: bool) -> None:
        self._failed = self.files.failed = failed
        if self.chat:
            self.chat.failed = failed

    def say(self, text: str) -> None:
        is_command = text[:1] == "/"
        if is_command and self.files.run_line(text):
            return
        if len(text) < EXIT_SPACE and is_exit(text):
            self.exit(text)
        elif self.chat and self._may_send.is_set():
            leaves = is_command and self.state is ClientState.IN_ROOM and is_quit(text)
            self.chat.say(text)
            if leaves:
                self.exit()
        else:
            self._enqueue(text)

    def command(self, name: str, args: Sequence[str] = (), request: str | None = None) -> None:
        """Run a command, as if its line were typed. It is queued until the server has said whether it has rooms."""
        wanted = CommandRequest(name, request)
        if self.files.run(name, args, request):
            return
        if not NAME.fullmatch(name):
            self._refuse(wanted, "That cannot be the name of a command.", "bad-command", BARE)
            return
        if self.chat and self.state is ClientState.ASKED:
            self._wait_for_answer(self.chat)
        self._say_command(line_of(name, args), wanted)

    def _say_command(self, line: str, request: CommandRequest) -> None:
        if not (self.chat and self._may_send.is_set()):
            self._enqueue(line, request)
        elif why := too_long(line, self.chat.connection.limits.message):
            self._refuse(request, why, TOO_LONG, SPLIT)
        elif self.state is ClientState.NO_ROOMS:
            self._refuse(request, NO_ROOMS, "no-commands")
        else:
            before = self._lines.said
            self.chat.say(line)
            if self._lines.said == before:
                self._refuse(request, NOT_SENT, "not-sent")
                return
            self._view.requests.add(self._lines.said, request)
            if is_quit(line):
                self.exit()

    def _refuse(self, request: CommandRequest, text: str, code: str, hint: str = "") -> None:
        self.failed = True
        self._view.requests.refuse(request, text, code, hint)

    def tell_typing(self, on: bool = True) -> bool:
        return self._signal(TYPING, on=on)

    def tell_read(self, id: str) -> bool:
        last = number_of(id, clean(self._room))
        return self._signal(READ, last=last) if last else READ in self._signals

    def _signal(self, kind: str, **said: object) -> bool:
        """Send a signal to the others, if connected. Return whether this kind of signal is turned on."""
        if kind in self._signals and self.chat and self.state is ClientState.IN_ROOM:
            self.chat.send_item(Extension(ROOM, write(do=kind, **said)))
        return kind in self._signals

    async def drain(self) -> None:
        """Wait until more may be sent. While disconnected, a program waits for a connection; a person may go on typing."""
        if self.chat and self._may_send.is_set():
            await self.chat.drain()
        elif not self.stack.ui.interactive:
            await self._may_send.wait()

    def stop_reading(self) -> None:
        """Deliver nothing more until `read_on`, on the next connection as well."""
        self._reading = False
        if self.chat:
            self.chat.stop_reading()

    def read_on(self) -> None:
        self._reading = True
        if self.chat:
            self.chat.read_on()

    def exit(self, text: str = EXIT) -> None:
        first = not self.ending
        if first and self.files.when_answered(partial(self._say_goodbye, text)):
            self._ending = YOU_SAID_EXIT
        elif first or self.state is not ClientState.AWAY:
            self._say_goodbye(text)

    def _say_goodbye(self, text: str = EXIT) -> None:
        """Say goodbye after the queued lines; at once if the server takes too long to answer, or if the user says it again."""
        if self.chat and self._may_send.is_set():
            self.chat.exit(text)
        elif self._goodbye_is_queued:
            self._give_up(self.chat)
        else:
            self._enqueue(EXIT)
            self._ending = YOU_SAID_EXIT
            if self.chat and self.state is ClientState.WAITING:
                self._give_up_later(self.chat)
            elif len(self._queue) == 1 and not self._lines:
                self._reconnecting.stop()

    def notice(self, sentence: str) -> None:
        if self.chat:
            self.chat.notice(sentence)
        else:
            self._view.tell(sentence)

    # -- the queue --------------------------------------------------------------------------------------------------------

    @property
    def _goodbye_is_queued(self) -> bool:
        return bool(self._queue and is_exit(self._queue[-1][0]))

    def _enqueue(self, line: str, request: CommandRequest | None = None) -> None:
        """Queue a line, unless the user's goodbye is queued already."""
        if not self._goodbye_is_queued:
            self._queue.append((line, request))
        elif request:
            self._refuse(request, NOT_SENT, "not-sent")

    def _wait_for_answer(self, chat: RoomChat) -> None:
        """Queue all lines from now on, until the server has answered."""
        chat.state = ClientState.WAITING
        self._may_send.clear()
        if self._goodbye_is_queued:
            self._give_up_later(chat)

    def _give_up_later(self, chat: RoomChat) -> None:
        asyncio.get_running_loop().call_later(chat.limits.goodbye, self._give_up, chat)

    def _give_up(self, chat: RoomChat | None) -> None:
        if chat:
            chat.give_up(len(self._queue) - 1)

    def _send_queue(self, chat: RoomChat) -> None:
        """Send the queued lines, including the user's goodbye."""
        if chat.ending:
            return
        self._may_send.set()
        waiting, self._queue = self._queue, []
        for line, request in waiting:
            if request is None:
                chat.say(line)
            else:
                self._say_command(line, request)
