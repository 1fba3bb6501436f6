"""The two ways to the exchange, and that data waits for what was said."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from plytalk.core.contracts.items import Extension
from plytalk.plugins.files.file_words import FILE
from plytalk.plugins.files.links import LocalLink, SessionLink
from plytalk.testing.verdict import idle, within


class FullStream:
    """A stream that is full until a test says otherwise."""

    full = True

    def __init__(self) -> None:
        self.empty = asyncio.Event()

    async def drained(self) -> None:
        await self.empty.wait()
        self.full = False


async def test_data_waits_while_the_connection_is_full() -> None:
    stream, sent = FullStream(), cast(list[Any], [])
    session = SimpleNamespace(stream=stream, ending=None, send_item=sent.append)
    link = SessionLink(cast(Any, session))
    waiting = asyncio.create_task(link.writable())
    await idle()
    assert not waiting.done()
    stream.empty.set()
    await within(waiting, "It goes on waiting.")
    link.send(b"x")
    assert sent == [Extension(FILE, b"x")]


async def test_at_the_server_nothing_waits() -> None:
    sent: list[bytes] = []
    link = LocalLink(sent.append)
    await link.writable()
    link.send(b"x")
    assert sent == [b"x"]
