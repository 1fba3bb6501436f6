"""The input line at the bottom of a terminal, by prompt_toolkit: what arrives is printed above it.

One program at a time has the line: the chat, or a question. A question takes it from the chat, whose half-typed line comes back
afterwards. Imported only on a terminal.
"""

import asyncio
import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application, run_in_terminal
from prompt_toolkit.document import Document
from prompt_toolkit.history import DummyHistory
from prompt_toolkit.input.typeahead import clear_typeahead
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

from plytalk.core.contracts.questions import Question
from plytalk.plugins.uis.plain import without_echo
from plytalk.plugins.uis.terminal import Above, Drawing, as_text, terminal

FRAME = 1 / 30
"""How long what arrives may wait, in seconds, so that a flood of it is drawn together."""
DROPPED = 1024
"""How many reads of typed-ahead input a question drops at most: nothing that never stops may hold up the loop."""


class Interrupted(Exception):
    """A question needs the line."""


class Prompt:
    """The input line. `lost` is called when the terminal cannot be written to any more."""

    def __init__(self, text: str, lost: Callable[[OSError], None]) -> None:
        self._input, self._output = terminal(lost)
        chat, answers = KeyBindings(), KeyBindings()
        for keys in (chat, answers):
            keys.add("c-z")(lambda event: self._suspend())
        answers.add(Keys.BracketedPaste)(lambda event: None)  # an answer is typed
        for enter in ("enter", "c-j"):
            answers.add(enter)(self._answered)
        common: Any = {"input": self._input, "output": self._output, "reserve_space_for_menu": 0}
        self._chat: PromptSession[str] = PromptSession(text, key_bindings=chat, **common)
        self._question: PromptSession[str] = PromptSession(
            key_bindings=answers, history=DummyHistory(), erase_when_done=True, **common
        )
        self._drawings = {prompt.app: Drawing(prompt.app) for prompt in (self._chat, self._question)}
        self._line = asyncio.Lock()
        self._asking = 0
        self._half = Document()
        self._app: Application[str] | None = None
        self._shown = self._suspended = self._flushing = False
        self._above: list[str] = []
        self._drawn = 0.0

    @property
    def visible(self) -> bool:
        """Whether the line is on the screen, so that nothing else may be written there."""
        return self._shown or self._app is not None

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """For a conversation: between two lines nothing that is typed is echoed, and nothing is written past the line."""
        with without_echo(), self._streams(), self._continued():
            self._shown = True
            try:
                yield
            finally:
                self._shown = False
                self._flush()

    # -- lines and answers ------------------------------------------------------------------------------------------------

    async def lines(self) -> list[str] | None:
        """The next lines of the chat; None at the end of input."""
        while True:
            async with self._line:
                if self._asking:  # it waits for the line already
                    continue
                self._chat.app.erase_when_done = False
                try:
                    typed = await self._run(self._chat, self._chat.message, self._half)
                except Interrupted:
                    self._half = self._chat.default_buffer.document
                    continue
                except EOFError:
                    return None
            self._half = Document()
            return as_text(typed).split("\n")  # what was pasted may have several lines

    async def answer(self, question: Question) -> str | None:
        """The next line typed after the question is on the screen; None at the end of input."""
        self._asking += 1
        if self._app is self._chat.app and not self._app.is_done:
            self._app.erase_when_done = True
            self._app.exit(exception=Interrupted())
        try:
            async with self._line:
                clear_typeahead(self._input)
                self._question.app.before_render += self._drop_input
                # With a style, prompt_toolkit writes the blank at the end too.
                words = [("", f"{question.sentence} "), ("bold fg:default", "[yes/no] ")]
                try:
                    return await self._run(self._question, words)
                finally:
                    if self._output.muted:
                        self._output.muted = False
                        self._output.write_raw("\r\n")
                        self._output.flush()
        except EOFError:
            return None
        finally:
            self._asking -= 1

    def _answered(self, event: KeyPressEvent) -> None:
        """Leave the question and its answer on the screen as they are. Without an answer prompt_toolkit takes it off."""
        typed = event.current_buffer
        typed.cursor_position = len(typed.text)
        event.app._redraw()
        event.app.renderer.reset()
        self._output.muted = True
        typed.validate_and_handle()

    async def _run(self, prompt: "PromptSession[str]", message: Any, default: Document | None = None) -> str:
        self._app = prompt.app
        try:
            return await prompt.prompt_async(message, default=default or "", set_exception_handler=False, handle_sigint=False)
        except KeyboardInterrupt:  # Ctrl-C came as a key: let it be the signal that it is without a prompt
            signal.raise_signal(signal.SIGINT)
            await asyncio.Event().wait()
            raise
        finally:
            self._app = None
            self._flush()

    def _drop_input(self, app: "Application[str]") -> None:
        """Just before a question is drawn, drop what was typed until then. The parser sees it, so it knows where a paste ends."""
        app.before_render -= self._drop_input
        for _ in range(DROPPED):
            if not select.select([self._input.fileno()], [], [], 0)[0]:
                break
            self._input.read_keys()
        self._input.flush_keys()

    # -- what stands above the line ---------------------------------------------------------------------------------------

    def print_above(self, line: str) -> None:
        """Print a line above the input line, or where the cursor is if there is none."""
        self._above.append(line)
        if self._app is None:
            self._flush()
        elif not self._flushing:
            self._flushing = True
            loop = asyncio.get_running_loop()
            loop.call_later(max(0.0, self._drawn + FRAME - loop.time()), self._flush)

    def _flush(self) -> None:
        self._flushing = False
        lines, self._above = self._above, []
        if not lines:
            return
        encoding = getattr(sys.__stdout__, "encoding", None) or "utf-8"
        text = "".join(f"{line}\r\n" for line in lines).encode(encoding, "backslashreplace").decode(encoding)
        app = self._app
        if app:
            self._drawings[app].erase()
            self._drawn = asyncio.get_running_loop().time()
        self._output.write_raw(text)
        self._output.flush()
        if app:
            app._redraw()  # at once: `invalidate` leaves the screen without its line for as long as the loop is busy

    @contextlib.contextmanager
    def _streams(self) -> Iterator[None]:
        """While the line is shown, whatever anybody prints on the terminal stands above it."""
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = (Above(stream, self.print_above) if stream.isatty() else stream for stream in before)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before

    # -- job control ------------------------------------------------------------------------------------------------------

    def _suspend(self) -> None:
        """Ctrl-Z: give the terminal back to the shell, and draw the line again when the shell continues us."""

        def stop() -> None:
            self._suspended = True
            os.kill(0, signal.SIGTSTP)

        if hasattr(signal, "SIGTSTP"):
            run_in_terminal(stop)

    @contextlib.contextmanager
    def _continued(self) -> Iterator[None]:
        """Draw the line again, too, when something else than Ctrl-Z had stopped the program."""
        loop, number = asyncio.get_running_loop(), getattr(signal, "SIGCONT", None)
        try:
            if number:
                loop.add_signal_handler(number, self._continue)
        except (NotImplementedError, ValueError, RuntimeError):  # not in the main thread
            number = None
        try:
            yield
        finally:
            if number:
                loop.remove_signal_handler(number)

    def _continue(self) -> None:
        if self._suspended:
            self._suspended = False
        elif app := self._app:
            self._input.raw_mode().__enter__()  # the shell has set the terminal for itself
            app.renderer.reset()
            app._redraw()
