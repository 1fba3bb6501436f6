"""What is sent as it comes arrives whole or not at all."""

import os
import threading
from pathlib import Path

import pytest
from transferring import files_limited_to, opened

from plytalk.plugins.files import piped
from plytalk.plugins.files.file_limits import CHUNK
from plytalk.plugins.files.hash_tree import HashTree
from plytalk.plugins.files.piped import PipePartial, PipeSource
from plytalk.plugins.files.transfer_errors import BadOffer, Damaged, NoSpace, NotStored, TransferError, Unreadable


def piped_through(content: bytes, there: Path, *, piece: int = 1000, sync: bool = False) -> str:
    """Send what comes out of a pipe in small pieces."""
    reading, writing = os.pipe()

    def feed() -> None:
        for start in range(0, len(content), piece):
            os.write(writing, content[start : start + piece])
        os.close(writing)

    feeder = threading.Thread(target=feed)
    feeder.start()
    source = PipeSource(reading)
    buffer = memoryview(bytearray(CHUNK))
    with opened(there) as into:
        arriving = PipePartial(into, "from a pipe", source.tree.algorithm, sync=sync)
        while count := source.read_into(buffer):
            arriving.write(buffer[:count])
        name = arriving.finish(source.tree.size, source.tree.root)
        arriving.close()
    feeder.join()
    os.close(reading)
    return name


@pytest.mark.parametrize("size", [0, 1, CHUNK, 2 * CHUNK + 9])
def test_a_pipe_arrives_whole(there: Path, size: int) -> None:
    content = os.urandom(size)
    assert piped_through(content, there, piece=50_000, sync=True) == "from a pipe"
    assert os.listdir(there) == ["from a pipe"]
    assert (there / "from a pipe").read_bytes() == content
    assert (there / "from a pipe").stat().st_mode & 0o777 == 0o644
    assert piped_through(content, there, piece=50_000) == "from a pipe (1)"


def test_its_root_is_that_of_a_file_of_the_same_content() -> None:
    source = PipeSource(-1)
    source.tree.add(bytes(CHUNK))
    source.tree.add(b"x")
    tree = HashTree(CHUNK + 1)
    tree.add(bytes(CHUNK))
    tree.add(b"x")
    assert (source.tree.size, source.tree.root) == (tree.size, tree.root)
    tree.close()


def test_another_end_than_the_senders_is_damage_and_leaves_nothing(there: Path) -> None:
    with opened(there) as into:
        for size, root in ((5, bytes(32)), (4, None), (6, None)):
            arriving = PipePartial(into, "a", "blake2b")
            arriving.write(b"12345")
            assert not (there / "a").exists()
            with pytest.raises(Damaged):
                arriving.finish(size, root or arriving.tree.root)
            arriving.close()
            arriving.close()
    assert os.listdir(there) == []


def test_chunks_of_another_length_are_damage(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piped, "MAX_SIZE", CHUNK + 5)
    with opened(there) as into:
        for right, wrong in ((b"", b""), (b"", bytes(CHUNK + 1)), (b"short", b"more"), (bytes(CHUNK), b"123456")):
            arriving = PipePartial(into, "a", "blake2b")
            if right:
                arriving.write(right)
            with pytest.raises(Damaged):
                arriving.write(wrong)
            arriving.close()
    assert os.listdir(there) == []


def test_no_space_ends_it_and_leaves_nothing(there: Path) -> None:
    with opened(there) as into:
        arriving = PipePartial(into, "a", "blake2b")
        with files_limited_to(1000):
            with pytest.raises(NoSpace):
                arriving.write(bytes(CHUNK))
            with pytest.raises(NotStored):
                arriving.write(bytes(CHUNK))
    assert os.listdir(there) == []


def test_a_hash_function_that_is_not_known_is_refused(there: Path) -> None:
    with opened(there) as into, pytest.raises(BadOffer, match="hash function"):
        PipePartial(into, "a", "md5")
    assert os.listdir(there) == []


def test_no_descriptor_is_left_where_nothing_can_be_opened(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (there / "gone").mkdir()
    before = os.listdir("/proc/self/fd")
    with opened(there / "gone") as into:
        (there / "gone").rmdir()
        with pytest.raises(NotStored):
            PipePartial(into, "a", "blake2b")
    monkeypatch.setattr(piped, "DATA", "x" * 300)
    with opened(there) as into, pytest.raises(NotStored, match="File name too long"):
        PipePartial(into, "a", "blake2b")
    assert os.listdir("/proc/self/fd") == before


def test_what_cannot_be_read_or_is_too_long_is_an_error_in_words(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    descriptor = os.open(here, os.O_RDONLY)
    with pytest.raises(Unreadable, match="Standard input cannot be read: Is a directory"):
        PipeSource(descriptor).read_into(memoryview(bytearray(5)))
    os.close(descriptor)
    monkeypatch.setattr(piped, "MAX_SIZE", 5)
    (here / "a").write_text("123456")
    descriptor = os.open(here / "a", os.O_RDONLY)
    with pytest.raises(TransferError, match="more than 5 bytes"):
        PipeSource(descriptor).read_into(memoryview(bytearray(10)))
    os.close(descriptor)
