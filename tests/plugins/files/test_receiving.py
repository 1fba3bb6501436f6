"""What comes of a file, and what a sender must not do."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from threading import Event

import pytest
from offering import PatientLink, written
from transferring import offered, opened

from plytalk.core.contracts.errors import BadFrame, ChatError
from plytalk.core.contracts.events import Sender
from plytalk.plugins.files.file_items import GIVE_BACK, PIECE, WINDOW, FileFailure, FileKind, parse
from plytalk.plugins.files.receiving import Receiving
from plytalk.plugins.files.safe_folder import SafeFolder
from plytalk.plugins.files.transfer_errors import Damaged
from plytalk.plugins.files.transfer_states import TransferState

SIZE = 1_000_000


@asynccontextmanager
async def receiving(folder: Path, size: int = SIZE) -> AsyncIterator[tuple[Receiving, PatientLink, bytes, bytes]]:
    """A file that is being received, its link, its proof and its content."""
    path = written(folder / "x", size)
    (into := folder / "into").mkdir()
    with offered(path) as (_, tree, file), opened(into) as there:
        one, link = Receiving(1, 5, "id", file, Sender(name="ann"), lambda _: None, broke), PatientLink()
        one.change("accepted")
        assert await one.open(there, sync=False)
        one.begin(link, 7)
        yield one, link, tree.proof(0), path.read_bytes()
        await one.close()


def broke(one: Receiving, error: ChatError) -> None:
    one.end(TransferState.FAILED, error.sentence)


@contextmanager
def held_up(one: Receiving) -> Iterator[None]:
    """Its disk does nothing."""
    assert one._disk
    go_on = Event()
    one._disk.start(go_on.wait)
    try:
        yield
    finally:
        go_on.set()


async def written_all(one: Receiving) -> None:
    """Wait until everything received is on the disk."""
    assert one._disk
    await one._disk.start(one._nothing)


async def test_credit_is_given_back_and_the_file_is_whole(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (one, link, proof, content):
        assert parse(link.sent[0])[2][-4:] == WINDOW.to_bytes(4, "big")
        one.proof(0, proof)
        one.proof(0, b"a second one for the same block is not looked at")
        step = 50_000
        for start in range(0, SIZE, step):
            one.data(content[start : start + step])
            await written_all(one)
        credits = [int.from_bytes(payload, "big") for kind, _, payload in map(parse, link.sent) if kind == FileKind.CREDIT]
        assert sum(credits) <= SIZE
        assert min(credits) >= GIVE_BACK
        assert one.done == SIZE
        one.finish(b"", lambda: one.end("done"))
        assert not one.is_open
        await one.close()
        assert (one.state, one.written) == ("done", "x")
        assert (tmp_path / "into" / "x").read_bytes() == content


async def test_data_without_credit_is_an_error(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (one, _, proof, _):
        one.proof(0, proof)
        with pytest.raises(BadFrame, match="there was credit for"):
            one.data(bytes(WINDOW + 1))
        with pytest.raises(BadFrame):
            one.data(b"")


async def test_data_that_is_not_the_file_is_not_written(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (one, _, proof, _):
        one.proof(0, proof)
        one.data(bytes(300_000))
        await written_all(one)
        assert one._partial
        assert (one.state, one._partial.received) == ("failed", 0)


async def test_a_proof_of_other_bytes_than_come_next_is_damage(tmp_path: Path) -> None:
    """A hostile server could have any number of them wait for the disk."""
    async with receiving(tmp_path) as (one, _, proof, _):
        with pytest.raises(Damaged):
            one.proof(1, proof)


async def test_what_waits_for_the_disk_and_what_is_under_way_are_less_than_a_mebibyte(tmp_path: Path) -> None:
    """A cut loses both."""
    async with receiving(tmp_path, 3_000_000) as (one, link, proof, content):
        with held_up(one):
            one.proof(0, proof)
            while one._owed:
                one.data(content[one.done : one.done + min(PIECE, one._owed)])
                assert one.done + one._owed <= 1 << 20
            assert one.done > WINDOW
        before = len(link.sent)
        await written_all(one)
        assert {parse(item)[0] for item in link.sent[before:]} == {FileKind.CREDIT}


async def test_a_file_is_not_longer_than_it_was_said_to_be(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (one, _, proof, content):
        one.proof(0, proof)
        for start in range(0, SIZE, 50_000):
            one.data(content[start : start + 50_000])
            await written_all(one)
        with pytest.raises(Damaged, match="longer"):
            one.data(b"x")


async def test_what_the_sender_says_ends_or_interrupts_it(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (one, link, _, _):
        one.failed(FileFailure.GONE)
        one.interrupt()
        assert (one.state, one.is_open) == ("interrupted", False)
        one.offered_again(9)
        assert one.remote == 9
        assert await one.open(SafeFolder(-1), sync=False)
        one.begin(link, 8)
        one.stop()
        assert parse(link.sent[-1])[:2] == (FileKind.STOP, 8)
        one.failed(FileFailure.CHANGED)
        assert (one.state, one.reason) == ("failed", "it has changed since it was offered")


async def test_to_cancel_removes_what_has_come(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (one, _, _, _):
        await one.cancel()
        assert one.state == "cancelled"
        assert not list((tmp_path / "into").iterdir())


async def test_a_command_that_is_given_up_while_it_cancels_leaves_the_transfer_to_close(tmp_path: Path) -> None:
    """Its end was given up as well, and what closed the others did not wait for them."""
    async with receiving(tmp_path) as (one, _, _, _):
        with held_up(one):
            command = asyncio.ensure_future(one.cancel())
            await asyncio.sleep(0)
            command.cancel()
            await asyncio.wait([command])
            closing = asyncio.ensure_future(one.close())
            await asyncio.sleep(0)
            assert not closing.done()
        await closing
        assert not list((tmp_path / "into").iterdir())
