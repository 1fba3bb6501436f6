"""A file is opened once and read from any place; what cannot be sent is refused with a sentence."""

import os
import socket
from pathlib import Path

import pytest
from transferring import no_skips, offered, read_chunk

from plytalk.plugins.files import source as module
from plytalk.plugins.files.file_limits import CHUNK
from plytalk.plugins.files.hash_tree import HashTree
from plytalk.plugins.files.source import hashing, make_offer, open_source
from plytalk.plugins.files.transfer_errors import SourceChanged, TransferError, Unreadable


def test_a_file_is_offered_as_it_is(here: Path) -> None:
    (here / "a.txt").write_bytes(bytes(CHUNK + 3))
    (here / "a.txt").chmod(0o640)
    os.utime(here / "a.txt", ns=(1, 23))
    with offered(here / "a.txt") as (source, tree, offer):
        assert (offer.name, offer.size, offer.mode, offer.mtime) == ("a.txt", CHUNK + 3, 0o640, 23)
        assert (offer.head, offer.folder, offer.count, offer.root, offer.hash) == (0, False, 1, tree.root, "blake3")
        assert read_chunk(source, 1) == bytes(3)
        assert make_offer(source, tree) == offer


def test_hashing_tells_how_far_it_is(here: Path) -> None:
    (here / "a").write_bytes(bytes(2 * CHUNK + 1))
    source = open_source(here / "a", no_skips)
    tree = HashTree(source.size)
    assert list(hashing(source, tree)) == [CHUNK, 2 * CHUNK, 2 * CHUNK + 1]
    source.close()
    source.close()
    tree.close()


def test_a_file_may_be_renamed_or_removed_while_it_is_sent_and_no_byte_written(here: Path) -> None:
    (here / "a").write_bytes(b"x" * (CHUNK + 1))
    with offered(here / "a") as (source, _, _):
        (here / "a").rename(here / "b")
        assert read_chunk(source, 0) == b"x" * CHUNK
        (here / "b").unlink()
        assert read_chunk(source, 1) == b"x"
    (here / "c").write_bytes(b"x" * (CHUNK + 1))
    with offered(here / "c") as (source, _, _):
        with (here / "c").open("ab") as file:
            file.write(b"y")
        with pytest.raises(SourceChanged):
            read_chunk(source, 0)


def test_a_link_is_not_followed(here: Path) -> None:
    (here / "a").write_text("a")
    (here / "link").symlink_to("a")
    (here / "folder").symlink_to(".")
    for name in ("link", "folder"):
        with pytest.raises(TransferError, match="is a symbolic link"):
            open_source(here / name, no_skips)


def test_pipes_sockets_and_devices_are_refused_without_waiting_for_them(here: Path) -> None:
    os.mkfifo(here / "pipe")
    with pytest.raises(TransferError, match="is a named pipe"):
        open_source(here / "pipe", no_skips)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(here / "s"))
        with pytest.raises(TransferError, match="is a socket"):
            open_source(here / "s", no_skips)
    with pytest.raises(TransferError, match="is a device"):
        open_source("/dev/null", no_skips)


def test_a_file_that_is_not_there_has_a_sentence(here: Path) -> None:
    with pytest.raises(Unreadable, match=r"nothing cannot be read: No such file or directory\."):
        open_source(here / "nothing", no_skips)


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SIZE", 5)
    (here / "huge").write_text("123456")
    with pytest.raises(TransferError, match="at most 5 bytes"):
        open_source(here / "huge", no_skips)


def test_hashes_that_have_no_space_are_an_error_in_words(here: Path) -> None:
    class Full(HashTree):
        def add_leaf(self, leaf: bytes) -> None:
            raise OSError(28, "No space left on device")

    (here / "a").write_text("a")
    source = open_source(here / "a", no_skips)
    tree = Full(source.size)
    with pytest.raises(TransferError, match="cannot be kept: No space left on device"):
        list(hashing(source, tree))
    source.close()
    tree.close()


def test_a_folder_of_here_is_sent_by_its_name(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here)
    source = module.open_source(".", no_skips)
    assert source.name == "here"
    source.close()


def test_what_is_read_at_once_is_the_same(here: Path) -> None:
    """Whether it can be depends on the file system."""
    (here / "a").write_text("0123456789")
    source, buffer = open_source(here / "a", no_skips), bytearray(5)
    assert not source.read_now(memoryview(buffer), 3) or buffer == b"34567"
    source.close()
    assert not source.read_now(memoryview(buffer), 3)
    (here / "folder").mkdir()
    folder = open_source(here / "folder", no_skips)
    assert not folder.read_now(memoryview(buffer), 0)  # its files are read by the thread
    folder.close()
