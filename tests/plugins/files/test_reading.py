"""A file must be, before and after it is read, the one that was looked at."""

import os
from pathlib import Path

import pytest

from plytalk.plugins.files import reading
from plytalk.plugins.files.reading import FILE_FLAGS, as_text, kind_of, read_cached, read_exactly, stamp_of, unreadable
from plytalk.plugins.files.transfer_errors import SourceChanged, Unreadable


def read(path: Path, stamp: tuple[int, ...], length: int = 5, offset: int = 0) -> bytes:
    descriptor = os.open(path, FILE_FLAGS)
    try:
        buffer = bytearray(length)
        read_exactly(str(path), descriptor, memoryview(buffer), offset, stamp)
        return bytes(buffer)
    finally:
        os.close(descriptor)


def test_a_part_of_a_file_is_read(here: Path) -> None:
    (here / "a").write_text("0123456789")
    assert read(here / "a", stamp_of((here / "a").stat()), offset=3) == b"34567"


def test_a_file_that_is_shorter_longer_or_another_is_changed(here: Path) -> None:
    path = here / "a"
    path.write_text("0123456789")
    stamp = stamp_of(path.stat())
    path.rename(here / "b")
    assert stamp_of((here / "b").stat()) == stamp
    assert read(here / "b", stamp) == b"01234"
    for content in ("012", "0123456789x"):
        (here / "b").write_text(content)
        with pytest.raises(SourceChanged, match="was changed"):
            read(here / "b", stamp)
    (here / "c").write_text("0123456789")
    os.utime(here / "c", ns=(0, stamp[3]))
    with pytest.raises(SourceChanged):
        read(here / "c", stamp)


def test_what_is_in_memory_is_read_at_once_and_only_the_whole_of_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system that cannot do that, nothing is: a thread reads it."""
    (here / "a").write_text("0123456789")
    stamp, descriptor, buffer = stamp_of((here / "a").stat()), os.open(here / "a", FILE_FLAGS), bytearray(5)
    view = memoryview(buffer)
    assert not read_cached(descriptor, view, 0, stamp) or buffer == b"01234"
    assert not read_cached(descriptor, view, 6, stamp)  # it ends before
    assert not read_cached(descriptor, view, 0, (*stamp[:-1], 0))  # it was changed
    assert not read_cached(-1, view, 0, stamp)
    monkeypatch.setattr(reading, "NO_WAIT", None)
    assert not read_cached(descriptor, view, 0, stamp)
    os.close(descriptor)


def test_a_folder_cannot_be_read(here: Path) -> None:
    with pytest.raises(Unreadable, match="cannot be read"):
        read(here, stamp_of(here.stat()))


def test_a_name_that_is_not_utf_8_is_text_all_the_same() -> None:
    assert as_text(os.fsdecode(b"caf\xe9")) == "caf\ufffd"
    assert as_text("café") == "café"


def test_what_cannot_be_sent_is_named() -> None:
    assert kind_of(os.stat("/dev/null").st_mode) == "a device"


def test_a_path_in_an_error_cannot_move_the_cursor() -> None:
    assert "\x1b" not in str(unreadable("/a\x1b[2J", OSError(5, "Input/output error")))
