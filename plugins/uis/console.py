"""Lines on a terminal, or lines through pipes.

On a terminal a prompt stands in the last line and what arrives is printed above it, so that a half-typed line is never garbled:
by prompt_toolkit where it is installed (the extra `tui`), by readline otherwise. Off a terminal the lines of standard input are
sent, and what arrives is printed in the same form without a prompt.
"""

import os
import sys
import time
from zlib import crc32

from plytalk.core.errors import UnknownPeer
from plytalk.core.hookspecs import hookimpl
from plytalk.core.layers import Conversation, Said, Ui
from plytalk.core.lines import LineReader, LineWriter, in_thread
from plytalk.core.session import Ending
from plytalk.plugins.uis.prompts import Prompt, best

PROMPT, RECEIVED = "Type Message: ", "Message Received: "
LATE = 60
"""How old something is, in seconds, that is shown with its time: the backlog, and what was missed."""
COLOURS = range(31, 37)


class Console(Ui):
    """Lines on a terminal (with a prompt) or through pipes (without)."""

    name = "console"

    def __init__(self) -> None:
        self._lines = LineReader(0)
        self._out = LineWriter(self._nobody_reads)
        self._session: Conversation | None = None
        self._prompt: Prompt | None = None

    @property
    def _terminal(self) -> bool:
        return sys.stdin.isatty() and sys.stdout.isatty()

    async def run(self, session: Conversation) -> None:
        if self._terminal:
            self._prompt = self._prompt or best(PROMPT)
        if self._prompt:
            with self._prompt.shown():
                await self._talk(session, self._prompt)
        else:
            await self._talk(session, None)

    async def _talk(self, session: Conversation, prompt: Prompt | None) -> None:
        while not session.ending:
            lines = await (prompt.ask() if prompt else self._lines.read())
            if lines is None:
                session.exit()
                return
            for index, line in enumerate(lines):
                if session.ending:
                    self._lines.put_back(lines[index:])
                    return
                session.say(line)
            await session.drain()

    def message(self, text: str) -> None:
        self._print(RECEIVED + text)

    def event(self, said: Said) -> None:
        if not said.own or said.kind not in ("said", "did", "joined", "left"):  # what was typed stands on the screen already
            self._print(on_screen(said) if self._prompt and self._prompt.visible else said.text)

    def _print(self, line: str) -> None:
        if self._prompt and self._prompt.visible:
            self._prompt.print_above(line)
        else:
            self._out.write(line)

    def notice(self, sentence: str) -> None:
        if self._prompt and self._prompt.visible:
            self._prompt.print_above(sentence)
        else:
            print(sentence, file=sys.stderr, flush=True)

    def _nobody_reads(self) -> None:
        if self._session:
            self._session.exit()

    def opened(self, session: Conversation) -> None:
        self._session = session
        self.notice(f"Talking to {session.address} over {session.stack.line}. Type exit to end.")

    def closed(self, session: Conversation, ending: Ending) -> None:
        self._out.flush()
        if not ending.error:
            self.notice(ending.reason)

    async def confirm(self, question: str, otherwise: str) -> bool:
        if not self._terminal:
            raise UnknownPeer(f"{question} Nobody can be asked off a terminal.", otherwise)
        print(question, end=" [yes/no] ", file=sys.stderr, flush=True)
        answer = await in_thread(lambda: os.read(0, 1024))
        return answer.strip().lower() in (b"yes", b"y")


def on_screen(said: Said) -> str:
    """What happened, as a line for a terminal: names have colours, unless none are wanted, and what is not new has its time."""
    line, then = said.text, said.time / 1000
    before, name, after = line.partition(said.sender or "\0")
    if name and before in ("", "* ") and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        line = f"{before}\x1b[{COLOURS[crc32(name.encode()) % len(COLOURS)]}m{name}\x1b[39m{after}"
    if 0 < then < time.time() - LATE:
        today = time.localtime(then)[:3] == time.localtime()[:3]
        line = time.strftime("%H:%M " if today else "%Y-%m-%d %H:%M ", time.localtime(then)) + line
    return line


@hookimpl
def layers() -> list[type[Console]]:
    return [Console]
