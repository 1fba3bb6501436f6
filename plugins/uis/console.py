"""Lines on a terminal, or lines through pipes.

On a terminal a prompt stands in the last line and what arrives is printed above it, so that a half-typed line is never garbled:
by prompt_toolkit where it is installed (the extra `tui`), by readline otherwise. Off a terminal the lines of standard input are
sent, and what arrives is printed in the same form without a prompt.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Protocol

from plytalk.core.errors import UnknownPeer
from plytalk.core.hookspecs import hookimpl
from plytalk.core.layers import Ui
from plytalk.core.lines import LineReader, in_thread
from plytalk.core.session import Ending, Session

PROMPT, RECEIVED = "Type Message: ", "Message Received: "


class Console(Ui):
    """Lines on a terminal (with a prompt) or through pipes (without)."""

    name = "console"

    def __init__(self) -> None:
        self._lines = LineReader(0)
        self._flushing = False
        self._session: Session | None = None
        self._redraw: Callable[[str], None] | None = None

    @property
    def _terminal(self) -> bool:
        return sys.stdin.isatty() and sys.stdout.isatty()

    async def run(self, session: Session) -> None:
        self._session = session
        with self._prompting() as prompt:
            while not session.ending:
                lines = await prompt()
                if lines is None:
                    session.exit()
                    return
                for line in lines:
                    session.say(line)
                await session.drain()

    @contextlib.contextmanager
    def _prompting(self) -> "Iterator[Prompt]":
        if not self._terminal:
            yield self._lines.read
            return
        try:
            from prompt_toolkit import PromptSession
            from prompt_toolkit.patch_stdout import patch_stdout
        except ImportError:
            with self._readline() as prompt:
                yield prompt
            return
        asking: PromptSession[str] = PromptSession(PROMPT)

        async def prompt_toolkit() -> list[str] | None:
            try:
                return [await asking.prompt_async(set_exception_handler=False)]
            except EOFError:
                return None

        with patch_stdout(raw=True):
            yield prompt_toolkit

    @contextlib.contextmanager
    def _readline(self) -> "Iterator[Prompt]":
        import readline
        import termios

        saved = termios.tcgetattr(0)

        async def prompt() -> list[str] | None:
            try:
                return [await in_thread(lambda: input(PROMPT))]
            except EOFError:
                return None

        def redraw(line: str) -> None:
            sys.stdout.write(f"\r\x1b[K{line}\n{PROMPT}{readline.get_line_buffer()}")
            sys.stdout.flush()

        self._redraw = redraw
        try:
            yield prompt
        finally:
            self._redraw = None
            termios.tcsetattr(0, termios.TCSADRAIN, saved)

    def message(self, text: str) -> None:
        line = RECEIVED + text
        if self._redraw:
            self._redraw(line)
            return
        try:
            sys.stdout.write(line + "\n")
        except BrokenPipeError:
            self._nobody_reads()
        if not self._flushing:  # once for all that arrived within this turn
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            self._nobody_reads()

    def _nobody_reads(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if self._session:
            self._session.exit()

    def notice(self, sentence: str) -> None:
        if self._redraw:
            self._redraw(sentence)
        else:
            print(sentence, file=sys.stderr, flush=True)

    def opened(self, session: Session) -> None:
        self.notice(f"Talking to {session.address} over {session.stack.line}. Type exit to end.")

    def closed(self, session: Session, ending: Ending) -> None:
        self._flush()
        self.notice(ending.reason)

    async def confirm(self, question: str, otherwise: str) -> bool:
        if not self._terminal:
            raise UnknownPeer(f"{question} Nobody can be asked off a terminal.", otherwise)
        print(question, end=" [yes/no] ", file=sys.stderr, flush=True)
        try:
            answer = await in_thread(sys.stdin.readline)
        except EOFError:
            return False
        return answer.strip().lower() in ("yes", "y")


class Prompt(Protocol):
    async def __call__(self) -> list[str] | None: ...


@hookimpl
def layers() -> list[type[Console]]:
    return [Console]
