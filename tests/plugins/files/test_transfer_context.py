"""What all transfers of a user share: few events for its progress, and tasks that end."""

import asyncio
from pathlib import Path

from offering import file_offer, written

from plytalk.core.contracts.events import Event, File, Sender
from plytalk.plugins.files.receive_options import Myself, ReceiveOptions
from plytalk.plugins.files.receiving import Receiving
from plytalk.plugins.files.transfer_context import TransferContext
from plytalk.testing import RecordingUi


class BrokenUi(RecordingUi):
    """Shows nothing."""

    name = "broken"

    def show(self, event: Event) -> None:
        raise ValueError


async def test_a_state_is_told_once_and_progress_at_times(tmp_path: Path) -> None:
    ui = RecordingUi()
    context = TransferContext(ui, lambda: Myself(Sender(name="bob"), "lobby"), ReceiveOptions())
    file = file_offer(written(tmp_path / "\x1bx", 10))
    one = Receiving(1, 2, "id", file, Sender(name="ann"), context.changed, lambda *_: None)
    one.change("offered")
    one.change("receiving")
    for _ in range(10):
        context.changed(one)
    first, second = ui.events
    assert isinstance(first, File)
    assert isinstance(second, File)
    assert (first.name, first.room, first.sender.name, first.incoming, first.own) == ("\u241bx", "lobby", "ann", True, False)
    assert [first.state, second.state] == ["offered", "receiving"]


async def test_a_broken_screen_ends_no_transfer(tmp_path: Path) -> None:
    context = TransferContext(BrokenUi(), lambda: Myself(Sender(), None), ReceiveOptions())
    Receiving(1, 2, "id", file_offer(written(tmp_path / "x", 10)), Sender(), context.changed, lambda *_: None).change("offered")


async def test_what_is_done_meanwhile_ends() -> None:
    context = TransferContext(RecordingUi(), lambda: Myself(Sender(), None), ReceiveOptions())
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    context.start(work())
    context.send(b"to nobody")
    await asyncio.sleep(0)
    await context.close()
    assert ended.is_set()
