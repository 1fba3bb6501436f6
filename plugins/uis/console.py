"""Lines on a terminal, or lines through pipes.

On a terminal there is an input line at the bottom and what arrives is printed above it, so that a half-typed line is never
garbled. On a terminal without escape sequences (TERM=dumb) lines are read as the system edits them. Off a terminal the lines of
standard input are sent, and what arrives is printed in the same form without a prompt.

Nothing that goes wrong on the screen ends a conversation: see `_draw`.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol, TypeVar

from plytalk.core.contracts.errors import UnknownPeer
from plytalk.core.contracts.events import Closed, Event, MemberEvent, Notice, is_way_in
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.questions import Question
from plytalk.core.contracts.ui import Conversation, Ui
from plytalk.core.io.display import is_dumb, wants_colour
from plytalk.core.io.lines import LineReader, LineWriter
from plytalk.core.io.standard_streams import tell
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.registry.quick_loading import loading
from plytalk.plugins.chat_screen.plain import Plain
from plytalk.plugins.chat_screen.plain_lines import plain_lines
from plytalk.plugins.chat_screen.screen_loading import load_screen

if TYPE_CHECKING:
    from plytalk.plugins.chat_screen.chat_view import ChatView

PROMPT, RECEIVED = "Type Message: ", "Message Received: "
Thing = TypeVar("Thing")


class InputLine(Protocol):
    """Where a person types."""

    @property
    def visible(self) -> bool: ...

    def shown(self) -> AbstractAsyncContextManager[None]: ...

    async def lines(self) -> list[str] | None: ...

    async def answer(self, question: Question) -> str | None: ...

    def print_above(self, line: str) -> None: ...


class Console(Ui):
    """Lines on a terminal (with a prompt) or through pipes (without)."""

    name = "console"
    options = (
        Option("prompt", f"The prompt (default: the room, the profile's, or {PROMPT!r}).", str, PROMPT, "TEXT"),
        Option(
            "received", f"The text before each received message (default: the profile's, or {RECEIVED!r}).", str, RECEIVED, "TEXT"
        ),
        Option("bell", "Ring the terminal's bell for private messages and for those with your name.", bool, False),
        Option("title", "Show the room and the number of unread messages in the terminal's title.", bool, False),
        Option("notify", "Show private messages and those with your name as desktop notifications.", bool, False),
    )

    def __init__(
        self, prompt: str = PROMPT, received: str = RECEIVED, bell: bool = False, title: bool = False, notify: bool = False
    ) -> None:
        self._prompt, self._received = prompt, received
        self._calls = bell, title, notify
        self._lines = LineReader(0, self._notice)
        self._out = LineWriter(self._output_failed)
        self._session: Conversation | None = None
        self._line: InputLine | None = None
        self._view: ChatView | None = None
        self._told_end = False
        self._loading: asyncio.Task[None] | None = None
        self._ways_in: list[Notice] = []  # told before the view is made

    @property
    def _terminal(self) -> bool:
        return sys.stdin.isatty() and sys.stdout.isatty()

    @property
    def shows_own(self) -> bool:
        """Through pipes, what was sent is not printed again."""
        return self._terminal

    @property
    def interactive(self) -> bool:
        return self._terminal

    @property
    def keeps_details(self) -> bool:
        return self._terminal and not is_dumb()

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        if self.keeps_details:
            self._loading = asyncio.create_task(load_screen())
        return ()

    # -- the screen -------------------------------------------------------------------------------------------------------

    def _input_line(self) -> InputLine:
        """The best input line that this terminal can show."""
        if self._line is None:
            self._line = Plain(self._prompt)
            if not is_dumb():
                try:
                    self._line = self._drawn_line()
                except Exception as error:  # a broken installation can raise anything
                    self._say_plain(error)
        return self._line

    def _drawn_line(self) -> InputLine:
        with loading():
            from plytalk.plugins.chat_screen.chat_view import Calls, ChatView
            from plytalk.plugins.chat_screen.event_rows import EventRows
            from plytalk.plugins.chat_screen.prompts import Prompt

            rows = EventRows(self._prompt, self._received, wants_colour(), sys.stdout.encoding or "utf-8")
            view = ChatView(rows, Calls(*self._calls), self._ways_in, names_room=self._prompt == PROMPT)
            attention = view.attention
            line = view.printer = Prompt(
                view.prompt,
                self._out.fail,
                view.live_rows,
                view.words,
                view.pressed,
                view.signs.changed,
                suspended=attention.suspend,
                resumed=attention.resume,
            )
        self._view = view
        return line

    def _say_plain(self, error: Exception) -> None:
        self._notice(
            f"The input line cannot be drawn ({type(error).__name__} in prompt_toolkit): lines are read plainly from now on. "
            "Install it again with: pip install --force-reinstall prompt_toolkit"
        )

    def _give_up_drawing(self, error: Exception) -> None:
        """Go on with plain lines, or without any where even that fails."""
        if isinstance(self._line, Plain):
            raise error
        self._line, self._view = Plain(self._prompt), None
        self._say_plain(error)

    def _draw(self, draw: Callable[[Thing], None], shown: Thing) -> bool:
        """The one place where the screen is written to while an input line is on it; whether that could be done."""
        try:
            draw(shown)
        except OSError as error:
            self._out.fail(error)
        except Exception as error:
            self._give_up_drawing(error)
            return False
        return True

    def _output_failed(self) -> None:
        if self._session:
            self._session.exit()

    # -- what is typed ----------------------------------------------------------------------------------------------------

    async def run(self, conversation: Conversation) -> None:
        self._session = conversation
        if not self._terminal:
            await self._talk(conversation)
            return
        async with self._input_line().shown():
            if self._view:
                self._view.begin(conversation)
            try:
                await self._talk(conversation)
            finally:
                if self._view:
                    self._view.attention.end()

    async def _talk(self, conversation: Conversation) -> None:
        while not conversation.ending:
            lines = await self._read()
            if lines is None:
                if self.stays and not self._terminal:
                    await self._input_ended()
                conversation.exit()
                return
            for index, line in enumerate(lines):
                if conversation.ending:
                    self._lines.put_back(lines[index:])
                    return
                if self._view:
                    self._view.enter(line, conversation)
                else:
                    conversation.say(line)
            await conversation.drain()

    async def _input_ended(self) -> None:
        if not self._told_end:
            self._told_end = True
            self._notice("Standard input has ended: nothing more can be typed here, and the server keeps running.")
        await asyncio.get_running_loop().create_future()

    async def _read(self) -> list[str] | None:
        if not self._terminal:
            return await self._lines.read()
        try:
            return await self._input_line().lines()
        except Exception as error:
            self._give_up_drawing(error)
            return []

    async def answer(self, question: Question) -> str | None:
        if not self._terminal:
            raise UnknownPeer(f"{question.text} There is no terminal to ask on.", question.otherwise)
        try:
            return await self._input_line().answer(question)
        except UnknownPeer:
            raise
        except Exception as error:
            self._give_up_drawing(error)
            return await self._input_line().answer(question)

    # -- what happens -----------------------------------------------------------------------------------------------------

    def show(self, event: Event) -> None:
        if isinstance(event, Closed) and event.final:
            self._finish()
        if isinstance(event, Notice) and self._keeps(event):
            return
        if self._view:
            self._view.note(event)
        if not (self._view and self._is_drawn(event) and self._draw(self._view.show, event)):
            self._show_plain(event)

    def _keeps(self, notice: Notice) -> bool:
        """Keep what /invite shows; whether that is all that is to be done about this notice."""
        if is_way_in(notice) and (data := notice.data):
            self._ways_in[:] = [one for one in self._ways_in if one.data and one.data["address"] != data.get("was")]
            self._ways_in.append(notice)
        return notice.detail and self.keeps_details

    def _is_drawn(self, event: Event) -> bool:
        """What members do is always drawn where that can be done; the program's notices only beside the input line."""
        return isinstance(event, MemberEvent) or (self._line is not None and self._line.visible)

    def _finish(self) -> None:
        for line in self._view.unsent() if self._view else ():
            self._notice(line)
        self._out.finish()

    def _show_plain(self, event: Event) -> None:
        for line in plain_lines(event, self._received):
            if not isinstance(event, MemberEvent):
                self._notice(line, whole=is_way_in(event))
            elif not (self._line and self._line.visible and self._draw(self._line.print_above, line)):
                self._out.write(line)

    def _notice(self, sentence: str, whole: bool = False) -> None:
        if not (self._line and self._line.visible and self._draw(self._line.print_above, sentence)):
            tell(sentence, whole)


@hookimpl
def layers() -> list[type[Console]]:
    return [Console]
