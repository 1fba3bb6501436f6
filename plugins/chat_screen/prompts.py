"""The input line at the bottom of a terminal, by prompt_toolkit: what arrives is printed above it.

One program at a time has the line: the chat, or a question. A question takes it from the chat, whose half-typed line comes back
afterwards. Between two lines of the chat the line stays where it is, so that every key lands in it. Imported only on a terminal.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable
from functools import cached_property
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application, run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import DummyHistory
from prompt_toolkit.input.typeahead import clear_typeahead
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

from plytalk.core.contracts.questions import Question
from plytalk.plugins.chat_screen.chat_keys import ChatKeys
from plytalk.plugins.chat_screen.plain import streams_above, without_echo
from plytalk.plugins.chat_screen.terminal import (
    Drawing,
    as_text,
    drop_typed,
    stop_group,
    terminal,
    when_continued,
    without_vi_keys,
)
from plytalk.plugins.chat_screen.word_completion import Vocabulary

FRAME = 1 / 30
"""How long what arrives may wait, in seconds, so that a flood of it is drawn together."""


class Interrupted(Exception):
    """A question needs the line."""


class Prompt:
    """The input line. `lost` is called when the terminal cannot be written to any more, `typed` at every key, `changed`
    with what is typed when that has changed, `suspended` before Ctrl-Z gives the terminal to the shell, and `resumed` after that.

    `text` gives the prompt, `rows` the rows above it, for this many columns, and `words` what Tab completes.
    """

    def __init__(
        self,
        text: Callable[[], str],
        lost: Callable[[OSError], None],
        rows: Callable[[int], list[str]] = lambda columns: [],
        words: Callable[[], Vocabulary] = Vocabulary,
        typed: Callable[[], object] = int,
        changed: Callable[[str], None] = lambda text: None,
        suspended: Callable[[], object] = int,
        resumed: Callable[[], object] = int,
    ) -> None:
        self._when_suspended, self._when_resumed = suspended, resumed
        self._input, self._output = terminal(lost)
        self._text, self._rows = text, rows
        self._chat_keys = ChatKeys(words, typed, self.redraw)
        self._drawings: dict[Application[str], Drawing] = {}
        self._chat = self._session(key_bindings=self._chat_keys.add_to(self._keys()))
        self._chat.default_buffer.accept_handler = self._accept
        self._chat.app.key_processor.before_key_press += lambda keys: self._chat_keys.press()
        self._chat.default_buffer.on_text_changed += lambda typed: changed(typed.text)
        self._line = asyncio.Lock()
        self._asking = 0
        self._half = Document()
        self._entered: asyncio.Queue[str | BaseException] = asyncio.Queue()
        self._app: Application[str] | None = None
        self._shown = self._flushing = False
        self._above: list[str] = []
        self._drawn = 0.0

    def _session(self, **options: Any) -> "PromptSession[str]":
        with without_vi_keys():
            session: PromptSession[str] = PromptSession(
                input=self._input,
                output=self._output,
                reserve_space_for_menu=0,
                erase_when_done=True,
                include_default_pygments_style=False,  # highlights source code, which a chat does not have
                **options,
            )
        self._drawings[session.app] = Drawing(session.app)
        return session

    @cached_property
    def _question(self) -> "PromptSession[str]":
        """Made for the first question: most conversations ask none."""
        return self._session(key_bindings=self._answer_keys(), history=DummyHistory())

    @property
    def visible(self) -> bool:
        """Whether the line is on the screen, so that nothing else may be written there."""
        return self._shown or self._app is not None

    @property
    def columns(self) -> int:
        """How wide the terminal is."""
        return self._output.get_size().columns

    @contextlib.asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """For a conversation: the line is on the screen, and nothing is written past it."""
        with without_echo(), streams_above(self.print_above), when_continued(self._continue):
            self._shown = True
            reading = asyncio.create_task(self._keep_line())
            try:
                yield
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                self._shown = False
                self._flush()

    # -- keys ---------------------------------------------------------------------------------------------------------------

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        keys.add("c-z")(lambda event: self._suspend())
        return keys

    def _answer_keys(self) -> KeyBindings:
        keys = self._keys()
        keys.add(Keys.BracketedPaste)(lambda event: None)  # an answer is typed
        for enter in ("enter", "c-j"):
            keys.add(enter)(self._answered)
        return keys

    def _accept(self, typed: Buffer) -> bool:
        """Enter: the line is taken, and the next one can be typed at once."""
        self._entered.put_nowait(as_text(typed.text))
        return False

    # -- lines and answers ------------------------------------------------------------------------------------------------

    def _message(self) -> ANSI:
        """What is drawn before what is typed: rows for the moment, and the prompt."""
        hints = self._chat_keys.hints(self._chat.default_buffer.document, self.columns)
        return ANSI("\n".join([*self._rows(self.columns), *hints, self._text()]))

    async def _keep_line(self) -> None:
        """Keep the line of the chat on the screen, until end of input."""
        await asyncio.sleep(0)  # lets the conversation send its first items before the line is drawn
        while True:
            async with self._line:
                if self._asking:  # it waits for the line already
                    continue
                try:
                    await self._run(self._chat, self._message, self._half)
                except Interrupted:
                    self._half = self._chat.default_buffer.document
                except Exception as error:
                    self._entered.put_nowait(error)
                    return

    async def lines(self) -> list[str] | None:
        """The next lines of the chat while it is shown, each as one message; None at the end of input."""
        entered = [await self._entered.get()]
        while not self._entered.empty():
            entered.append(self._entered.get_nowait())
        lines = [line for line in entered if isinstance(line, str)]
        error = next((one for one in entered if not isinstance(one, str)), None)
        if lines and error:
            self._entered.put_nowait(error)
        elif isinstance(error, EOFError):
            return None
        elif error:
            raise error
        return lines

    async def answer(self, question: Question) -> str | None:
        """The next line typed after the question is on the screen; None at the end of input."""
        self._asking += 1
        if self._app is self._chat.app and not self._app.is_done:
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
                        self.write_raw("\r\n")
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
        """Just before a question is drawn, drop what was typed until then."""
        app.before_render -= self._drop_input
        drop_typed(self._input)

    # -- the rows above the line ---------------------------------------------------------------------------------------

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

    def redraw(self) -> None:
        """Draw the line and the rows above it as they are now."""
        if self._app is self._chat.app:
            self._app.invalidate()

    def clear(self) -> None:
        """Take everything off the screen but the line."""
        if self._app is self._chat.app:
            self._app.renderer.clear()
            self._app._redraw()

    def write_raw(self, sequence: str) -> None:
        """Write what moves no cursor: a bell, or the terminal's title."""
        self._output.write_raw(sequence)
        self._output.flush()

    # -- job control ------------------------------------------------------------------------------------------------------

    def _suspend(self) -> None:
        """Ctrl-Z: give the terminal back to the shell, and draw the line again when the shell continues us. Without a shell
        that could do that, the system ignores the signal, and this goes on at once."""

        def stop() -> None:
            self._when_suspended()
            stop_group(self._continue)

        if hasattr(signal, "SIGTSTP"):
            stopping = asyncio.ensure_future(run_in_terminal(stop))
            stopping.add_done_callback(lambda done: self._when_resumed())  # with the terminal ours again, even after `bg`

    def _continue(self) -> None:
        """Draw the line again, too, when something else than Ctrl-Z had stopped the program."""
        if app := self._app:
            self._input.raw_mode().__enter__()  # the shell has set the terminal for itself
            app.renderer.reset()
            app._redraw()
