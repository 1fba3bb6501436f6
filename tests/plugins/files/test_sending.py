"""What goes out of a file, and when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from offering import PatientLink, next_of, written
from transferring import offered

from plytalk.plugins.files.disk_thread import DiskThread
from plytalk.plugins.files.file_items import MAX_CREDIT, PIECE, WINDOW, FileFailure, FileKind, Withdrawal, fail_stream, parse, say
from plytalk.plugins.files.sending import MOST_STREAMS, READ, Pump, Sending


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
        assert await one.next_items(out, WINDOW) == []
        out.credit += 2
        proof, data = await next_of(one, out, WINDOW)
        assert (proof[0], data[0], len(data[2])) == (FileKind.PROOF, FileKind.DATA, PIECE)
        assert out.credit == 1
        out.credit = WINDOW
        assert [len(data) for _, _, data in await next_of(one, out, WINDOW)] == [PIECE, PIECE, 5]
        assert await one.next_items(out, WINDOW) == [b"\6\0\0\0\x09"]
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
        items = await one.next_items(one.streams[1], 4 * PIECE)
        withdrawn = say(Withdrawal(number=one.number))
        assert items == [fail_stream(1, FileFailure.CHANGED), fail_stream(2, FileFailure.CHANGED), withdrawn]
        assert told == ["sending", "failed"]
        assert "was changed" in one.reason
        assert not one.streams


async def test_a_stream_alone_is_read_ahead_and_two_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two would throw out of the buffer what the other one needs."""
    async with sending(path := written(tmp_path / "x", 2 * READ)) as (one, _):
        read: list[tuple[int, int]] = []
        read_into = one.source.read_into

        def noted(buffer: memoryview, at: int) -> int:
            read.append((at, len(buffer)))
            return read_into(buffer, at)

        monkeypatch.setattr(one.source, "read_into", noted)
        monkeypatch.setattr(one.source, "read_now", lambda buffer, at: False)  # as where all has to come from the disk
        one.serve(1, 0, MAX_CREDIT)
        one.streams[1].credit = READ
        items = [item for _ in range(4) for item in await next_of(one, one.streams[1], 4 * PIECE)]
        assert b"".join(data for kind, _, data in items if kind == FileKind.DATA) == path.read_bytes()[:READ]
        assert read == [(0, READ)]
        one.serve(2, 5, MAX_CREDIT)
        (_, _, data), *_ = (await next_of(one, one.streams[2], 4 * PIECE))[1:]
        assert data == path.read_bytes()[5 : 5 + PIECE]
        one.streams[2].at = READ
        await one.next_items(one.streams[2], 4 * PIECE)
        assert read[1:] == [(5, 4 * PIECE), (READ, 4 * PIECE)]


async def test_what_the_system_has_in_memory_is_read_without_the_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for what needs a proof: that may be on the disk."""
    async with sending(path := written(tmp_path / "x", 3 * READ - 7)) as (one, _):
        by_thread: list[int] = []
        at_once: list[int] = []
        read_into = one.source.read_into
        monkeypatch.setattr(one.source, "read_into", lambda buffer, at: by_thread.append(at) or read_into(buffer, at))
        monkeypatch.setattr(one.source, "read_now", lambda buffer, at: at_once.append(at) or read_into(buffer, at) == len(buffer))
        one.serve(1, 0, MAX_CREDIT)
        stream, sent = one.streams[1], b""
        while one.streams:
            items = await next_of(one, stream, 4 * PIECE)
            sent += b"".join(data for kind, _, data in items if kind == FileKind.DATA)
            stream.credit = MAX_CREDIT
        assert sent == path.read_bytes()
        assert (by_thread, at_once) == ([0], [READ, 2 * READ])


async def test_credit_that_comes_while_streams_are_looked_at_is_used(tmp_path: Path) -> None:
    """The pump forgot that it was woken during a round that sent nothing: the transfer stood still for ever."""
    async with sending(written(tmp_path / "x", PIECE)) as (one, _):
        one.serve(1, 0, 0)
        one.serve(2, 0, 0)
        link = PatientLink()
        pump = Pump(link, lambda: [one] if one.streams else [])
        looked_at: list[int] = []

        async def writable() -> None:
            looked_at.append(len(looked_at))
            if len(looked_at) == 2:  # the first stream had its turn
                one.streams[1].credit = PIECE
                pump.wake()
            await asyncio.sleep(0)

        link.writable = writable  # type: ignore[method-assign]
        pump.wake()
        while pump._task:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert [(kind, stream) for kind, stream, _ in map(parse, link.sent)] == [
            (FileKind.PROOF, 1),
            (FileKind.DATA, 1),
            (FileKind.END, 1),
        ]


async def test_streams_take_turns(tmp_path: Path) -> None:
    async with sending(written(tmp_path / "x", 8 * PIECE)) as (one, _):
        link = PatientLink()
        one.serve(1, 0, 8 * PIECE)
        one.serve(2, 0, 8 * PIECE)
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
