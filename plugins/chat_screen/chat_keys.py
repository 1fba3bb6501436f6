"""What keys do in the input line of a chat, beside those that edit it: Tab, Ctrl-C, Alt-Enter, and pastes."""

import asyncio
from collections.abc import Callable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import is_searching
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.search import stop_search

from plytalk.plugins.chat_screen.event_rows import FAINT, styled
from plytalk.plugins.chat_screen.word_completion import Tab, Vocabulary

TWICE = 1.0
"""Within how many seconds a second Ctrl-C ends the chat."""
LEAVES = "Press Ctrl-C again to end the chat."
SEVERAL = "{} lines: Enter sends them as one message, Ctrl-C drops them."


class ChatKeys:
    """`words` gives what Tab completes, `typed` is called at every key, and `redraw` when a hint is over."""

    def __init__(self, words: Callable[[], Vocabulary], typed: Callable[[], object], redraw: Callable[[], None]) -> None:
        self._words, self._typed, self._redraw = words, typed, redraw
        self._tab = Tab()
        self._interrupted, self._pressed = -TWICE, 0
        self._keys = self._completed = 0  # all keys until now, and all until the last completion

    def add_to(self, keys: KeyBindings) -> KeyBindings:
        """Give these keys their meaning: in a search, what prompt_toolkit gives them, and Ctrl-C ends that alone."""
        keys.add("c-c", filter=~is_searching)(self._interrupt)
        keys.add(Keys.BracketedPaste)(self._paste)
        for enter in ("enter", "c-j"):
            keys.add("escape", enter, filter=~is_searching)(lambda event: event.current_buffer.insert_text("\n"))
        keys.add("tab", filter=~is_searching)(lambda event: self._complete(event.current_buffer, 1))
        keys.add("s-tab", filter=~is_searching)(lambda event: self._complete(event.current_buffer, -1))
        return keys

    def press(self) -> None:
        """A key was pressed."""
        self._pressed += 1
        self._keys += 1
        self._typed()

    @staticmethod
    def _paste(event: KeyPressEvent) -> None:
        """What is pasted goes into the line, never into what is searched for, which has one line."""
        if is_searching():
            stop_search()
        event.current_buffer.insert_text(pasted(event.data))

    def _interrupt(self, event: KeyPressEvent) -> None:
        """Ctrl-C clears the line; twice within a second it is the signal that it is without a prompt."""
        if self._is_leaving:
            event.app.exit(exception=KeyboardInterrupt())
            return
        loop = asyncio.get_running_loop()
        self._interrupted, self._pressed = loop.time(), 0
        event.current_buffer.text = ""  # `reset` alone tells nobody that the line has changed
        event.current_buffer.reset()
        loop.call_later(TWICE, self._redraw)  # without the hint

    @property
    def _is_leaving(self) -> bool:
        """Whether Ctrl-C was pressed a moment ago, and nothing else since."""
        return self._pressed <= 1 and asyncio.get_running_loop().time() - self._interrupted < TWICE

    def _complete(self, typed: Buffer, step: int) -> None:
        if self._keys != self._completed + 1:  # something else was typed since the last time
            self._tab = Tab()
        self._completed = self._keys
        self._tab.words = self._words()
        before = typed.document.text_before_cursor
        after = self._tab.press(before, step)
        typed.document = Document(after + typed.document.text_after_cursor, len(after))

    def hints(self, typed: Document, columns: int) -> list[str]:
        """What the keys mean just now, for above the line."""
        if typed.line_count > 1:
            hint = SEVERAL.format(typed.line_count)
        elif typed.text:
            hint = self._tab.hint(typed.text_before_cursor) if self._keys == self._completed else ""
        else:
            hint = LEAVES if self._is_leaving else ""
        return [styled(hint[: columns - 1], FAINT)] if hint else []


def pasted(text: str) -> str:
    """What was pasted, as it is typed: the last line's end, which would be Enter, is left out."""
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
