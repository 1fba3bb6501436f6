"""Connects a user's transfers to the exchange at the server: over a connection, or within the server's program."""

import asyncio
from collections.abc import Callable

from plytalk.core.contracts.items import Extension
from plytalk.core.contracts.layer import Buffer
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.plugins.files.file_items import PIECE, TOGETHER, carry
from plytalk.plugins.files.file_words import FILE


class SessionLink:
    """A link over a connection to the server. On a slow connection, what is sent in one turn delays the lines."""

    turn = 4 * PIECE

    def __init__(self, session: DirectChat) -> None:
        self._session = session

    def send(self, body: bytes) -> None:
        self._session.send_item(Extension(FILE, body))

    def send_data(self, stream: int, data: Buffer) -> None:
        self.send(carry(stream, data))

    async def writable(self) -> None:
        while self._session.stream.full and not self._session.ending:
            await self._session.stream.drained()
            await asyncio.sleep(0)  # lines that wait are sent first


class LocalLink:
    """A link within the server's program: `send` and `send_data` call the exchange."""

    turn = TOGETHER

    def __init__(self, send: Callable[[bytes], None], send_data: Callable[[int, Buffer], None]) -> None:
        self.send, self.send_data = send, send_data

    async def writable(self) -> None:
        """Return at once: only credit limits it."""
