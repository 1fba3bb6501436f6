"""What a person sees of a conversation on a terminal: past events in the scrollback, and pending lines above the input line."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from plytalk.core.contracts.events import (
    Error,
    Event,
    File,
    Joined,
    Left,
    MemberEvent,
    Message,
    Moderated,
    Notice,
    Open,
    Renamed,
    Result,
    You,
)
from plytalk.core.contracts.items import is_exit
from plytalk.core.contracts.ui import Conversation
from plytalk.plugins.chat_screen.attention import Attention
from plytalk.plugins.chat_screen.company import Company
from plytalk.plugins.chat_screen.event_rows import HANGING, EventRows, separator
from plytalk.plugins.chat_screen.live_signs import LiveSigns, is_live
from plytalk.plugins.chat_screen.local_commands import LocalCommands
from plytalk.plugins.chat_screen.pending_lines import PendingLines
from plytalk.plugins.chat_screen.running_files import RunningFiles
from plytalk.plugins.chat_screen.word_completion import ARGUMENTS, Vocabulary
from plytalk.plugins.chat_screen.wrapping import wrap

SETTLED = 0.5
"""After how many seconds without old events the line that separates old from new is drawn."""


class Printer(Protocol):
    """The terminal that a view is on."""

    @property
    def visible(self) -> bool: ...

    @property
    def columns(self) -> int: ...

    def print_above(self, line: str) -> None: ...

    def redraw(self) -> None: ...

    def clear(self) -> None: ...

    def write_raw(self, sequence: str) -> None: ...


class Calls(Struct, frozen=True):
    """How a person who looks elsewhere is called."""

    bell: bool = False
    title: bool = False
    notify: bool = False


class ChatView:
    """Shows events on a terminal, and takes the lines that are typed there."""

    def __init__(self, rows: EventRows, calls: Calls, ways_in: Sequence[Notice] = (), names_room: bool = True) -> None:
        """`ways_in` has what /invite shows; `names_room` says that the prompt is the room, wherever there is one."""
        self._rows, self._names_room, self._room = rows, names_room, ""
        self.company, self._pending = Company(), PendingLines()
        self.attention = Attention(self._write_raw, calls.bell, calls.title, calls.notify)
        self.signs = LiveSigns(self._redraw)
        self._files = RunningFiles()
        self._commands = LocalCommands(self, self.company, self._tell, ways_in)
        self._shown: tuple[str | None, str | None, bool] | None = None  # the user's name, room and role, as the screen says
        self._earlier = self._connections = 0
        self._settling: asyncio.TimerHandle | None = None
        self.printer: Printer | None = None
        self._conversation: Conversation | None = None

    def begin(self, conversation: Conversation) -> None:
        """A conversation begins on the screen."""
        self._conversation = conversation
        self.signs.begin(conversation)
        self.attention.begin()

    # -- what happens -----------------------------------------------------------------------------------------------------

    def note(self, event: Event) -> None:
        """Note what an event tells."""
        self.company.note(event)
        self._pending.note(event)
        self._connections += isinstance(event, Open)
        if isinstance(event, File):
            self._files.note(event)
        if not (isinstance(event, MemberEvent) and self._is_ignored(event)):
            self.signs.note(event)
        if isinstance(event, Renamed):
            self._commands.note(event)
        self._rows.me = self.company.me
        if isinstance(event, You):
            self._room = event.room or ""
            self.attention.room(self._room)

    def show(self, event: Event) -> None:
        """Show an event that was noted."""
        if self._is_shown(event):
            return
        if isinstance(event, Result | Error):  # the answer to what was typed just now
            self.separate()
        if not isinstance(event, MemberEvent):
            self._print(event)
        elif not (self._is_ignored(event) or is_live(event)):
            self._member(event)

    def _is_ignored(self, event: MemberEvent) -> bool:
        return not event.own and self.company.who(event.sender) in self._commands.ignored

    def _is_shown(self, event: Event) -> bool:
        """Whether it tells the user's name and room, and the screen has shown the same since this connection opened."""
        before = self._shown
        if isinstance(event, Open):
            self._shown = None
        elif isinstance(event, Renamed) and event.own and before:
            self._shown = (event.name, *before[1:])
        elif isinstance(event, Moderated) and self._is_ignored(event):
            pass
        elif isinstance(event, Moderated) and event.action in ("op", "deop") and before and event.target.name == before[0]:
            self._shown = (*before[:2], event.action == "op")
        elif isinstance(event, You):
            self._shown = event.sender.name, event.room, event.operator
        return isinstance(event, You) and self._shown == before

    def _member(self, event: MemberEvent) -> None:
        if (event.replayed and not isinstance(event, Message)) or (event.own and isinstance(event, Joined | Left)):
            return  # the user knows that they have come
        if event.replayed:
            self._earlier += 1
            self._settle()
        else:
            self.separate()
        self._print(event)
        is_news = not event.replayed or self._connections > 1  # what was missed during a cut is news, too
        if isinstance(event, Message) and not event.own and is_news:
            self.attention.message(f"{event.sender.name or 'message'}: {event.text}", self._rows.mentions(event))

    def _settle(self) -> None:
        if self._settling:
            self._settling.cancel()
        self._settling = asyncio.get_running_loop().call_later(SETTLED, self.separate)

    def separate(self) -> None:
        """Draw the line below what was said before, if anything was."""
        if self._earlier and self.printer:
            self.printer.print_above(separator(self._earlier))
        self._earlier = 0

    def _print(self, event: Event) -> None:
        if printer := self.printer:
            rows = self._rows.draw(event, printer.columns)
            for row in rows:
                printer.print_above(row)  # which draws the line again, some 30 times a second
            if not rows:
                printer.redraw()

    def _tell(self, sentence: str) -> None:
        if printer := self.printer:
            for row in wrap(sentence, printer.columns, 0, HANGING):
                printer.print_above(row)

    def _write_raw(self, sequence: str) -> None:
        if self.printer and self.printer.visible:
            self.printer.write_raw(sequence)

    # -- what is typed ----------------------------------------------------------------------------------------------------

    def enter(self, line: str, conversation: Conversation) -> None:
        """A line was typed."""
        self.signs.entered()
        if self.company.me and self._commands.run(line):
            return
        if not is_exit(line):
            self._pending.add(line)
        elif not self.company.me:  # a chat without names keeps its lines as they were typed
            self._tell(f"{self._rows.prompt}{line}")
        conversation.say(line)
        self._redraw()

    def pressed(self) -> None:
        """A key was pressed."""
        self.attention.typed()
        self.signs.pressed()

    def prompt(self) -> str:
        """The prompt, before the half-typed line."""
        return f"[{self._room}] " if self._room and self._names_room else self._rows.prompt

    def live_rows(self, columns: int) -> list[str]:
        """The rows above the input line."""
        pending = self._pending.rows(self.company.me, self._rows.prompt, columns)
        return [*pending, *self._files.rows(columns), *self.signs.rows(columns)]

    def words(self) -> Vocabulary:
        """What Tab completes."""
        commands = {*ARGUMENTS, *self.company.commands, *self._commands.help}
        return Vocabulary(self.company.names, self.company.rooms, tuple(commands))

    def unsent(self) -> list[str]:
        """The lines that were never accepted, when it is over."""
        return self._pending.take()

    def _redraw(self) -> None:
        if self.printer:
            self.printer.redraw()

    def print_whole(self, line: str) -> None:
        """Print a line for copying, without breaks: the terminal wraps it, and copies it in one piece."""
        if self.printer:
            self.printer.print_above(line)

    def clear(self) -> None:
        if self.printer:
            self.printer.clear()

    def leave(self, why: str) -> None:
        if self._conversation and why:
            self._conversation.say(f"/quit {why}")
        elif self._conversation:
            self._conversation.exit()
