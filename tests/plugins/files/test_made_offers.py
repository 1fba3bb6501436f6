"""The offers of this user, and the replies of the server and of receivers."""

import asyncio
import os
from pathlib import Path

import pytest
from crowd import Crowd
from offering import PatientLink, file_stranger, reaches, written

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.events import File, Sender
from plytalk.plugins.files import made_offers
from plytalk.plugins.files.file_items import FileKind, FileReply, Offering, open_stream, parse, say
from plytalk.plugins.files.receive_options import Myself, ReceiveOptions
from plytalk.plugins.files.transfers import Transfers
from plytalk.testing import RecordingUi


async def test_a_server_that_knows_no_files_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_offers, "ANSWERED", 0.01)
    transfers = Transfers(RecordingUi(), lambda: Myself(Sender(), None), ReceiveOptions())
    link = PatientLink()
    transfers.connect(link)
    with pytest.raises(Usage, match="may not know files"):
        await transfers.made.send(str(written(tmp_path / "x", 10)))
    assert not transfers.made.all
    await transfers.close()


async def test_what_is_offered_without_a_connection_is_offered_with_the_next(tmp_path: Path) -> None:
    transfers = Transfers(RecordingUi(), lambda: Myself(Sender(), None), ReceiveOptions())
    await transfers.made.send(str(written(tmp_path / "x", 10)))
    link = PatientLink()
    transfers.connect(link)
    (item,) = link.sent
    assert b'"do":"offer"' in item
    transfers.hear(open_stream(3, 1, 0, 100))
    transfers.disconnect()
    assert not transfers.made.all[1].streams
    transfers.connect(link)
    assert len([item for item in link.sent if parse(item)[0] == FileKind.SAY]) == 2
    await transfers.close()


async def test_replies_of_receivers_are_shown(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob = await file_stranger(crowd, "bob")
        crowd.local_member.say(f"/send {written(home / 'x', 10)}")
        number = (await bob.server_says(Offering)).number
        for state in ("accepted", "failed", "cancelled", "done"):
            bob.send(say(FileReply(number=number, state=state)))
        event = await reaches(crowd.ui, "done")
        assert (event.sender.name, event.own, event.incoming) == ("bob", False, False)
        shown = [one.state for one in crowd.ui.events if isinstance(one, File)]
        assert shown == ["offered", "accepted", "failed", "cancelled", "done"]


async def test_what_is_left_out_of_a_folder_is_said(tmp_path: Path) -> None:
    ui = RecordingUi()
    transfers = Transfers(ui, lambda: Myself(Sender(), None), ReceiveOptions())
    (tmp_path / "album").mkdir()
    for number in range(13):
        (tmp_path / "album" / f"link {number:02}").symlink_to("/etc/passwd")
    await transfers.made.send(str(tmp_path / "album"))
    assert ui.notices[0] == "link 00 is a symbolic link and is left out."
    assert ui.notices[9:] == ["link 09 is a symbolic link and is left out.", "3 more are left out."]
    await transfers.close()


async def test_who_leaves_does_not_wait_until_a_large_file_is_hashed(tmp_path: Path) -> None:
    """A program ends only when its threads have ended."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**40)
    before = os.listdir("/proc/self/fd")
    transfers = Transfers(RecordingUi(), lambda: Myself(Sender(), None), ReceiveOptions())
    sending = asyncio.ensure_future(transfers.made.send(str(tmp_path / "large")))
    while len(os.listdir("/proc/self/fd")) == len(before):  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    while len(os.listdir("/proc/self/fd")) > len(before):  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    await transfers.close()


async def test_an_offer_that_is_over_holds_no_file_and_no_buffer(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    transfers = Transfers(RecordingUi(), lambda: Myself(Sender(), None), ReceiveOptions())
    cancelled = await transfers.made.send(str(written(tmp_path / "x", 10)))
    transfers.made.cancel(cancelled)
    failed = await transfers.made.send(str(written(tmp_path / "y", 10)))
    (tmp_path / "y").write_text("another content")
    failed.serve(3, 0, 1000)
    assert [parse(item)[0] for item in await failed.next_items(failed.streams[3], 1000)] == [FileKind.FAIL, FileKind.SAY]
    assert [one.state for one in (cancelled, failed)] == ["cancelled", "failed"]
    await transfers.close()
    assert [len(one._buffer) for one in (cancelled, failed)] == [0, 0]
    assert os.listdir("/proc/self/fd") == before


async def test_only_so_many_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_offers, "MOST_MADE", 3)
    transfers = Transfers(RecordingUi(), lambda: Myself(Sender(), None), ReceiveOptions())
    path = str(written(tmp_path / "x", 10))
    stands = await transfers.made.send(path)
    for _ in range(5):
        transfers.made.cancel(await transfers.made.send(path))
    assert [*transfers.made.all] == [stands.number, 5, 6]
    assert [*transfers._context._told] == [stands.number, 5, 6]
    await transfers.close()
