"""What all transfers of one user share: the link to the server, the numbers, and the UI that shows them."""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, Protocol

from plytalk.core.contracts.events import File, Sender, now
from plytalk.core.contracts.interruption import ignore_faults
from plytalk.core.contracts.ui import Ui
from plytalk.core.io.background import Background
from plytalk.plugins.files.manifest import FileOffer
from plytalk.plugins.files.receive_options import Myself, ReceiveOptions
from plytalk.plugins.files.sending import FileLink
from plytalk.plugins.files.transfer_states import TransferState
from plytalk.plugins.rooms.ui_events import cleaned

PROGRESS = 0.5
"""The interval at which the progress of a transfer is shown, in seconds."""


class Transfer(Protocol):
    """An incoming or outgoing transfer, with this user's number for it. `sender` is None if this user sends it."""

    number: int
    file: FileOffer
    state: TransferState
    reason: str
    written: str

    @property
    def sender(self) -> Sender | None: ...

    @property
    def done(self) -> int:
        """The number of bytes sent, or received."""


class TransferContext:
    """`me` returns the user's current name and key. `link` is None while the client is disconnected."""

    def __init__(self, ui: Ui, me: Callable[[], Myself], file_options: ReceiveOptions) -> None:
        self.ui, self._me, self.file_options = ui, me, file_options
        self.numbers = count(1)
        self.link: FileLink | None = None
        self._told: dict[int, tuple[str, float, bool]] = {}
        self._background = Background()

    def send(self, body: bytes) -> None:
        """Send an item, if there is a connection."""
        if self.link:
            self.link.send(body)

    def changed(self, one: Transfer) -> None:
        """Show a new state, or that everything was sent or received, at once; show progress every PROGRESS seconds."""
        at, whole = asyncio.get_running_loop().time(), one.done == one.file.size
        state, before, was_whole = self._told.get(one.number, ("", 0.0, False))
        if state != one.state or whole != was_whole or at - before >= PROGRESS:
            self._told[one.number] = one.state, at, whole
            self.show(one)

    def forget(self, number: int) -> None:
        """Forget a transfer."""
        self._told.pop(number, None)

    def show(self, one: Transfer, state: str = "", by: Sender | None = None) -> None:
        """Show a transfer, or another member's reply to it."""
        me = self._me()
        event = File(
            id=self.ui.next_id(), time=now(), sender=by or one.sender or me.sender, room=me.room,
            own=by is None and one.sender is None, incoming=one.sender is not None, transfer=str(one.number),
            name=cleaned(one.file.name, self.ui.raw), written=cleaned(one.written, self.ui.raw) or None, size=one.file.size,
            count=one.file.count if one.file.folder else None, state=str(state or one.state), reason=one.reason or None,
            done=one.done,
        )  # fmt: skip
        with ignore_faults():  # a broken UI does not end a transfer
            self.ui.show(event)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a task."""
        self._background.start(work)

    async def close(self) -> None:
        """Stop all tasks."""
        await self._background.stop()
