"""What comes of a file, and what a sender must not do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from offering import PatientLink, written
from transferring import offered, opened

from plytalk.core.contracts.errors import BadFrame
from plytalk.core.contracts.events import Sender
from plytalk.plugins.files.file_items import GIVE_BACK, WINDOW, FileFailure, FileKind, parse
from plytalk.plugins.files.partial import Partial
from plytalk.plugins.files.receiving import Receiving
from plytalk.plugins.files.transfer_errors import Damaged

SIZE = 1_000_000


@contextmanager
def receiving(folder: Path) -> Iterator[tuple[Receiving, PatientLink, bytes, bytes]]:
    """A file that is being received, its link, its proof and its content."""
    path = written(folder / "x", SIZE)
    (into := folder / "into").mkdir()
    with offered(path) as (_, tree, file), opened(into) as there:
        one, link = Receiving(1, 5, "id", file, Sender(name="ann"), lambda _: None), PatientLink()
        one.partial = Partial.open(there, file)
        one.begin(link)
        yield one, link, tree.proof(0), path.read_bytes()
        one.close()


def test_credit_is_given_back_and_the_file_is_whole(tmp_path: Path) -> None:
    with receiving(tmp_path) as (one, link, proof, content):
        assert parse(link.sent[0])[2][-4:] == WINDOW.to_bytes(4, "big")
        one.proof(0, proof)
        one.proof(0, b"a second one for the same block is not looked at")
        step = 50_000
        for start in range(0, SIZE, step):
            one.data(content[start : start + step])
        credits = [int.from_bytes(payload, "big") for kind, _, payload in map(parse, link.sent) if kind == FileKind.CREDIT]
        assert sum(credits) <= SIZE
        assert min(credits) >= GIVE_BACK
        assert one.done == SIZE
        one.finish(one.hand_over().finish())
        assert not one.is_open
        assert (one.state, one.written) == ("done", "x")
        assert (tmp_path / "into" / "x").read_bytes() == content


def test_data_without_credit_is_an_error(tmp_path: Path) -> None:
    with receiving(tmp_path) as (one, _, proof, _):
        one.proof(0, proof)
        with pytest.raises(BadFrame, match="there was credit for"):
            one.data(bytes(WINDOW + 1))
        with pytest.raises(BadFrame):
            one.data(b"")


def test_data_that_is_not_the_file_is_not_written(tmp_path: Path) -> None:
    with receiving(tmp_path) as (one, _, proof, _):
        one.proof(0, proof)
        with pytest.raises(Damaged):
            one.data(bytes(300_000))
        assert one.partial
        assert one.partial.received == 0


def test_a_file_is_not_longer_than_it_was_said_to_be(tmp_path: Path) -> None:
    with receiving(tmp_path) as (one, _, proof, content):
        one.proof(0, proof)
        for start in range(0, SIZE, 50_000):
            one.data(content[start : start + 50_000])
        with pytest.raises(Damaged, match="longer"):
            one.data(b"x")


def test_what_the_sender_says_ends_or_interrupts_it(tmp_path: Path) -> None:
    with receiving(tmp_path) as (one, link, _, _):
        one.failed(FileFailure.GONE)
        one.interrupt()
        assert (one.state, one.is_open) == ("interrupted", False)
        one.offered_again(9)
        assert one.remote == 9
        one.begin(link)
        one.stop()
        assert parse(link.sent[-1])[:2] == (FileKind.STOP, 9)
        one.failed(FileFailure.CHANGED)
        assert (one.state, one.reason) == ("failed", "it has changed since it was offered")


def test_to_cancel_removes_what_has_come(tmp_path: Path) -> None:
    with receiving(tmp_path) as (one, _, _, _):
        one.cancel()
        assert one.state == "cancelled"
        assert not list((tmp_path / "into").iterdir())
