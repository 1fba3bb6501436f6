"""What makes drawing on a terminal robust. What people then see is in tests/terminal."""

import asyncio
import io

import pytest

pytest.importorskip("termios", reason="needs the terminals of Unix")

from plytalk.core.testing.verdict import idle
from plytalk.plugins.uis.terminal import Above, as_text


async def test_other_prints_stand_above_too_from_any_thread() -> None:
    shown: list[str] = []
    stream = Above(io.StringIO(), shown.append)
    print("one\ntwo", file=stream, end="")
    assert shown == ["one"]
    await asyncio.to_thread(print, file=stream)
    await idle()
    assert shown == ["one", "two"]
    assert stream.isatty()
    assert stream.writable()


@pytest.mark.parametrize(
    ("typed", "text"),
    [("plain", "plain"), ("h\u00e9llo", "h\u00e9llo"), ("h\udcc3\udca9llo", "h\u00e9llo"), ("\udce9", "\ufffd")],
)
def test_bytes_that_came_as_surrogates_are_text_again(typed: str, text: str) -> None:
    assert as_text(typed) == text
