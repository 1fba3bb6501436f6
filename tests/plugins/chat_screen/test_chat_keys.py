"""What keys do; that they reach it is shown in test_prompts.py."""

import pytest
from prompt_toolkit.document import Document

from plytalk.plugins.chat_screen.chat_keys import ChatKeys, pasted
from plytalk.plugins.chat_screen.word_completion import Vocabulary


@pytest.mark.parametrize(
    ("text", "typed"), [("one", "one"), ("one\n", "one"), ("one\r\ntwo\r\n", "one\ntwo"), ("one\rtwo", "one\ntwo"), ("\n", "")]
)
def test_a_paste_never_ends_in_enter(text: str, typed: str) -> None:
    assert pasted(text) == typed


async def test_hints_fit_the_screen_and_are_there_only_where_there_is_something_to_say() -> None:
    keys = ChatKeys(Vocabulary, int, int)
    assert keys.hints(Document(), 80) == []
    assert keys.hints(Document("one line"), 80) == []
    assert keys.hints(Document("a\nb\nc"), 80) == ["\x1b[2m3 lines: Enter sends them as one message, Ctrl-C drops them.\x1b[m"]
    assert keys.hints(Document("a\nb\nc"), 9) == ["\x1b[2m3 lines:\x1b[m"]
