"""Files from students: whatever is there, a sentence and no hang."""

import os
from pathlib import Path

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.lab.classroom.small_files import read_small


def test_a_plain_file_is_read_without_its_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"\xef\xbb\xbfabc")
    file.chmod(0o664)  # what others can change is read: its content is checked
    assert read_small(file, 6) == b"abc"


def test_a_large_file_is_not_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "f"
    with file.open("wb") as made:
        made.truncate(1 << 40)
    with pytest.raises(Usage, match="more than 10 bytes"):
        read_small(file, 10)


def test_folders_pipes_devices_and_circles_of_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    os.mkfifo(tmp_path / "pipe")
    refusals = {
        tmp_path: "is a folder",
        tmp_path / "pipe": "not a plain file",
        Path("/dev/zero"): "not a plain file",
        tmp_path / "one": "cannot be read: Too many levels",
        tmp_path / "none": "cannot be read: No such file",
        tmp_path / ("n" * 300): "cannot be read: File name too long",
        Path("a\0b"): "cannot be read: embedded null",
    }
    for path, why in refusals.items():
        with pytest.raises(Usage, match=why):
            read_small(path, 10)
