"""The two ways to the exchange, and that data waits for what was said."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from plytalk.core.contracts.items import Extension
from plytalk.core.contracts.layer import Buffer
from plytalk.plugins.files.file_items import carry
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
    buffer = bytearray(b"yz")
    link.send_data(5, buffer)
    buffer[:] = b"AB"  # the sender reads what follows into it, before the item goes out
    assert sent == [Extension(FILE, b"x"), Extension(FILE, carry(5, b"yz"))]


async def test_at_the_server_nothing_waits() -> None:
    sent: list[bytes] = []
    data: list[tuple[int, Buffer]] = []
    link = LocalLink(sent.append, lambda stream, bytes: data.append((stream, bytes)))
    await link.writable()
    link.send(b"x")
    link.send_data(5, b"yz")
    assert (sent, data) == ([b"x"], [(5, b"yz")])
