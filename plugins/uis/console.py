"""Lines on a terminal, or lines through pipes.

On a terminal an input line stands at the bottom and what arrives is printed above it, so that a half-typed line is never garbled.
On a terminal without escape sequences (TERM=dumb) lines are read as the system edits them. Off a terminal the lines of standard
input are sent, and what arrives is printed in the same form without a prompt.

Nothing that goes wrong on the screen ends a conversation: see `_draw`.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol
from zlib import crc32

from plytalk.core.contracts.errors import UnknownPeer
from plytalk.core.contracts.events import (
    Closed,
    Error,
    Event,
    Joined,
    Left,
    MemberEvent,
    Message,
    Notice,
    Open,
    Result,
    You,
)
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.questions import Question
from plytalk.core.contracts.ui import Conversation, Ui
from plytalk.core.io.display import is_dumb, wants_colour
from plytalk.core.io.event_lines import lines_of
from plytalk.core.io.lines import LineReader, LineWriter
from plytalk.core.io.standard_streams import tell
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.plugins.uis.plain import Plain

PROMPT, RECEIVED = "Type Message: ", "Message Received: "
LATE = 60
"""How old something is, in seconds, that is shown with its time: the backlog, and what was missed."""
COLOURS = range(31, 37)
SEEN = (Message, Joined, Left)
"""What the user who caused it sees already."""


class InputLine(Protocol):
    """Where a person types."""

    @property
    def visible(self) -> bool: ...

    def shown(self) -> AbstractContextManager[None]: ...

    async def lines(self) -> list[str] | None: ...

    async def answer(self, question: Question) -> str | None: ...

    def print_above(self, line: str) -> None: ...


class Console(Ui):
    """Lines on a terminal (with a prompt) or through pipes (without)."""

    name = "console"
    options = (
        Option("prompt", f"The prompt (default: the profile's, or {PROMPT!r}).", str, PROMPT, "TEXT"),
        Option(
            "received", f"The text before each received message (default: the profile's, or {RECEIVED!r}).", str, RECEIVED, "TEXT"
        ),
    )

    def __init__(self, prompt: str = PROMPT, received: str = RECEIVED) -> None:
        self._prompt, self._received = prompt, received
        self._lines = LineReader(0, self._notice)
        self._out = LineWriter(self._output_failed)
        self._session: Conversation | None = None
        self._line: InputLine | None = None
        self._told_end = False

    @property
    def _terminal(self) -> bool:
        return sys.stdin.isatty() and sys.stdout.isatty()

    @property
    def interactive(self) -> bool:
        return self._terminal

    def _input_line(self) -> InputLine:
        """The best input line that this terminal can show."""
        if self._line is None:
            self._line = Plain(self._prompt)
            if not is_dumb():
                try:
                    from plytalk.plugins.uis.prompts import Prompt

                    self._line = Prompt(self._prompt, self._out.fail)
                except Exception as error:  # a broken installation can raise anything
                    self._say_plain(error)
        return self._line

    def _say_plain(self, error: Exception) -> None:
        self._notice(
            f"The input line cannot be drawn ({type(error).__name__} in prompt_toolkit): lines are read plainly from now on. "
            "Install it again with: pip install --force-reinstall prompt_toolkit"
        )

    async def run(self, session: Conversation) -> None:
        self._session = session
        if self._terminal:
            with self._input_line().shown():
                await self._talk(session)
        else:
            await self._talk(session)

    async def _talk(self, session: Conversation) -> None:
        while not session.ending:
            lines = await self._read()
            if lines is None:
                if self.stays and not self._terminal:
                    await self._input_ended()
                session.exit()
                return
            for index, line in enumerate(lines):
                if session.ending:
                    self._lines.put_back(lines[index:])
                    return
                session.say(line)
            await session.drain()

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

    def _give_up_drawing(self, error: Exception) -> None:
        """Go on with plain lines, or without any where even that fails."""
        if isinstance(self._line, Plain):
            raise error
        self._line = Plain(self._prompt)
        self._say_plain(error)

    def show(self, event: Event) -> None:
        if isinstance(event, MemberEvent):
            self._happened(event)
        elif isinstance(event, Closed):
            self._closed(event)
        elif isinstance(event, Open):
            end = "" if "feature" in event.stack else " Type exit to end."  # features tell of /help, and stay in a row
            self._notice(f"{lines_of(event)[0]}{end}")
        elif isinstance(event, Notice | Result | Error | You):
            for line in lines_of(event):
                self._notice(line)

    def _happened(self, event: MemberEvent) -> None:
        if isinstance(event, Message) and event.sender.name is None:
            if not event.own:
                self._print(self._received + event.text)
        elif not (event.own and isinstance(event, SEEN) and not getattr(event, "private", False)):  # it was typed here
            for line in lines_of(event):
                self._print(on_screen(event, line) if self._line and self._line.visible else line)

    def _closed(self, event: Closed) -> None:
        if event.final:
            self._out.finish()
        if not event.exit_code:
            self._notice(event.reason)

    def _print(self, line: str) -> None:
        if self._line and self._line.visible:
            self._draw(self._line.print_above, line)
        else:
            self._out.write(line)

    def _notice(self, sentence: str) -> None:
        if self._line and self._line.visible:
            self._draw(self._line.print_above, sentence)
        else:
            tell(sentence)

    def _draw(self, draw: Callable[[str], None], line: str) -> None:
        """The one place where the screen is written to while an input line stands on it."""
        try:
            draw(line)
        except OSError as error:
            self._out.fail(error)
        except Exception as error:
            self._give_up_drawing(error)
            self._out.write(line)

    def _output_failed(self) -> None:
        if self._session:
            self._session.exit()

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


def on_screen(event: MemberEvent, line: str) -> str:
    """What happened, as a line for a terminal: names have colours, unless none are wanted, and what is not new has its time."""
    before, name, after = line.partition(event.sender.name or "\0")
    if name and before in ("", "* ", "* [") and wants_colour():
        line = f"{before}\x1b[{COLOURS[crc32(name.encode()) % len(COLOURS)]}m{name}\x1b[39m{after}"
    then = event.time.timestamp()
    if 0 < then < time.time() - LATE:
        today = time.localtime(then)[:3] == time.localtime()[:3]
        line = time.strftime("%H:%M " if today else "%Y-%m-%d %H:%M ", time.localtime(then)) + line
    return line


@hookimpl
def layers() -> list[type[Console]]:
    return [Console]
