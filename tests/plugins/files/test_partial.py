"""What arrives is checked before it is written, kept when it is cut, and named when it is whole."""

import os
from pathlib import Path

import pytest
from transferring import arriving, carry, offered, send, tree_of

from plytalk.plugins.files.file_limits import CHUNK
from plytalk.plugins.files.hash_tree import KNOWN
from plytalk.plugins.files.transfer_errors import Damaged

CONTENT = os.urandom(1000)


@pytest.mark.parametrize("algorithm", KNOWN)
@pytest.mark.parametrize("size", [0, 1, CHUNK, 2 * CHUNK + 5])
def test_a_file_arrives_with_its_mode_and_its_time(here: Path, there: Path, size: int, algorithm: str) -> None:
    (here / "report.pdf").write_bytes(os.urandom(size))
    (here / "report.pdf").chmod(0o750)
    os.utime(here / "report.pdf", ns=(5, 1_234_567_890_123_456_789))
    assert send(here / "report.pdf", there, algorithm=algorithm) == "report.pdf"
    assert tree_of(there) == tree_of(here)


def test_nothing_is_overwritten_a_number_is_added(here: Path, there: Path) -> None:
    (here / "report.pdf").write_bytes(CONTENT)
    (there / "report.pdf").write_text("mine")
    assert [send(here / "report.pdf", there) for _ in range(2)] == ["report (1).pdf", "report (2).pdf"]
    assert (there / "report.pdf").read_text() == "mine"
    assert sorted(os.listdir(there)) == ["report (1).pdf", "report (2).pdf", "report.pdf"]


def test_with_overwrite_the_old_file_is_replaced(here: Path, there: Path) -> None:
    (here / "report.pdf").write_bytes(CONTENT)
    (there / "report.pdf").write_text("mine")
    assert send(here / "report.pdf", there, overwrite=True) == "report.pdf"
    assert tree_of(there) == tree_of(here)


def test_only_the_rest_is_sent_after_a_cut_even_if_the_file_was_renamed(here: Path, there: Path) -> None:
    (here / "film.mkv").write_bytes(os.urandom(5 * CHUNK + 3))
    with offered(here / "film.mkv") as (source, tree, offer), arriving(there, offer) as partial:
        carry(source, tree, partial, chunks=3)
    assert not (there / "film.mkv").exists()
    (here / "film.mkv").rename(here / "other.mkv")
    with offered(here / "other.mkv") as (source, tree, offer), arriving(there, offer) as partial:
        assert partial.received == 3 * CHUNK
        carry(source, tree, partial)
        assert partial.finish() == "other.mkv"
    assert tree_of(there) == tree_of(here)


def test_a_damaged_chunk_is_not_written_and_the_right_one_still_may_come(here: Path, there: Path) -> None:
    (here / "a").write_bytes(os.urandom(CHUNK + 1))
    with offered(here / "a") as (source, tree, offer), arriving(there, offer) as partial:
        partial.proof(0, tree.proof(0))
        with pytest.raises(Damaged):
            partial.write(bytes(CHUNK))
        assert partial.received == 0
        with pytest.raises(Damaged, match="not complete"):
            partial.finish()
        carry(source, tree, partial)
        assert partial.finish() == "a"
    assert tree_of(there) == tree_of(here)


def test_a_folder_arrives_with_all_that_is_in_it(here: Path, there: Path) -> None:
    album = here / "album"
    (album / "a" / "b" / "empty").mkdir(parents=True)
    (album / "a" / "one.bin").write_bytes(os.urandom(CHUNK + 9))
    (album / "a" / "b" / "nothing").touch()
    (album / "z.txt").write_text("z")
    (album / ".hidden").write_text("h")
    for place, path in enumerate(sorted(album.rglob("*"), reverse=True)):
        path.chmod(0o755 if path.is_dir() else 0o640)
        os.utime(path, ns=(0, 10**18 + place))
    album.chmod(0o700)
    os.utime(album, ns=(0, 12345))
    assert send(album, there) == "album"
    assert tree_of(there) == tree_of(here)
    assert send(album, there) == "album (1)"
