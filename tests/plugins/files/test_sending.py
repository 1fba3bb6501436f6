"""What goes out of a file, and when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from offering import PatientLink, written
from transferring import offered

from plytalk.plugins.files.disk_thread import DiskThread
from plytalk.plugins.files.file_items import PIECE, WINDOW, FileFailure, FileKind, fail_stream, parse
from plytalk.plugins.files.sending import MOST_STREAMS, Pump, Sending


@asynccontextmanager
async def sending(path: Path) -> AsyncIterator[tuple[Sending, list[str]]]:
    told: list[str] = []
    disk = DiskThread()
    with offered(path) as (source, tree, file):
        yield Sending(1, "id", source, tree, file, None, disk, lambda one: told.append(one.state)), told
        await disk.end(lambda: None)


async def test_full_records_go_out_as_long_as_more_follows(tmp_path: Path) -> None:
    async with sending(written(tmp_path / "x", 3 * PIECE + 5)) as (one, _):
        assert one.serve(9, 0, PIECE - 1) is None
        out = one.streams[9]
        assert await one.next_items(out) == []
        out.credit += 2
        proof, data = map(parse, await one.next_items(out))
        assert (proof[0], data[0], len(data[2])) == (FileKind.PROOF, FileKind.DATA, PIECE)
        assert out.credit == 1
        out.credit = WINDOW
        assert [len(parse(item)[2]) for item in await one.next_items(out)] == [PIECE, PIECE, 5]
        assert await one.next_items(out) == [b"\6\0\0\0\x09"]
        assert not one.streams
        assert one.done == 3 * PIECE + 5


async def test_what_cannot_be_served_is_refused(tmp_path: Path) -> None:
    async with sending(written(tmp_path / "x", 10)) as (one, _):
        assert one.serve(1, 11, 5) == fail_stream(1, FileFailure.UNKNOWN)
        for stream in range(MOST_STREAMS):
            assert one.serve(stream, 0, 5) is None
        assert one.serve(99, 0, 5) == fail_stream(99, FileFailure.TOO_MANY)
        one.change("cancelled")
        assert not one.stands


async def test_a_file_that_changes_ends_all_streams(tmp_path: Path) -> None:
    path = written(tmp_path / "x", 100)
    async with sending(path) as (one, told):
        one.serve(1, 0, 100)
        one.serve(2, 50, 100)
        path.write_bytes(b"other")
        items = await one.next_items(one.streams[1])
        assert items == [fail_stream(1, FileFailure.CHANGED), fail_stream(2, FileFailure.CHANGED)]
        assert told == ["failed"]
        assert "was changed" in one.reason
        assert not one.streams


async def test_streams_take_turns(tmp_path: Path) -> None:
    async with sending(written(tmp_path / "x", 8 * PIECE)) as (one, _):
        link = PatientLink()
        one.serve(1, 0, WINDOW)
        one.serve(2, 0, WINDOW)
        pump = Pump(link, lambda: [one] if one.streams else [])
        pump.wake()
        pump.wake()
        while one.streams:  # noqa: ASYNC110
            await asyncio.sleep(0)
        kinds = [(kind, stream) for kind, stream, _ in map(parse, link.sent) if kind != FileKind.PROOF]
        data = FileKind.DATA
        turns = [*[(data, 1)] * 4, *[(data, 2)] * 4] * 2
        assert kinds == [*turns, (FileKind.END, 1), (FileKind.END, 2)]
        pump.stop()
