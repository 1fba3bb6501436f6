"""A folder as one stream: its manifest, then the contents of its files, each of which must be as it was found."""

import os
import socket
from pathlib import Path

import pytest
from transferring import as_nobody, no_skips, offered, read_chunk

from plytalk.plugins.files import folder_source
from plytalk.plugins.files.file_limits import CHUNK, MAX_DEPTH
from plytalk.plugins.files.folder_source import FolderSource
from plytalk.plugins.files.manifest import check_manifest, entries_of
from plytalk.plugins.files.reading import Source
from plytalk.plugins.files.source import open_source
from plytalk.plugins.files.transfer_errors import SourceChanged, TransferError, Unreadable


def stream_of(source: Source) -> bytes:
    return b"".join(read_chunk(source, index) for index in range(-(-source.size // CHUNK)))


def fill(folder: Path) -> None:
    (folder / "b" / "deep").mkdir(parents=True)
    (folder / "c").mkdir()
    (folder / "a.txt").write_text("AAA")
    (folder / "b" / "deep" / "x").write_bytes(b"X" * CHUNK)
    (folder / "b" / "empty").touch()
    (folder / "b" / "y").write_text("YY")
    (folder / "z").touch()


def test_the_stream_is_the_manifest_and_the_files_in_its_order(here: Path) -> None:
    fill(here)
    with offered(here) as (source, _, offer):
        stream = stream_of(source)
        entries = list(entries_of(stream[: source.head]))
        assert [(entry.depth, entry.name, entry.size) for entry in entries] == [
            (0, "a.txt", 3),
            (0, "b", None),
            (1, "deep", None),
            (2, "x", CHUNK),
            (1, "empty", 0),
            (1, "y", 2),
            (0, "c", None),
            (0, "z", 0),
        ]
        assert stream[source.head :] == b"AAA" + b"X" * CHUNK + b"YY"
        check_manifest(offer, entries)
        assert (offer.folder, offer.count, offer.head) == (True, 5, source.head)


def test_it_can_be_read_from_any_place(here: Path) -> None:
    fill(here)
    with offered(here) as (source, _, _):
        stream = stream_of(source)
        for offset in (
            0,
            source.head - 1,
            source.head,
            source.head + 2,
            source.head + 3,
            source.head + CHUNK,
            source.size - 1,
            5,
        ):
            buffer = bytearray(10)
            count = source.read_into(memoryview(buffer), offset)
            assert buffer[:count] == stream[offset : offset + 10]


def test_the_order_does_not_depend_on_the_system(here: Path) -> None:
    for name in ("b", "a", "c", "B"):
        (here / name).write_text(name)
    with offered(here) as (source, _, _):
        assert [entry.name for entry in entries_of(stream_of(source)[: source.head])] == ["B", "a", "b", "c"]


def test_links_pipes_and_sockets_inside_are_left_out_with_a_sentence_each(here: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (here / "sub").mkdir()
    (here / "sub" / "link").symlink_to(tmp_path / "secret")
    (here / "up").symlink_to("..")
    (here / "loop").symlink_to("loop")
    os.mkfifo(here / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(here / "socket"))
    told: list[str] = []
    source = open_source(here, told.append)
    assert told == [
        "loop is a symbolic link and is left out.",
        "pipe is a named pipe and is left out.",
        "socket is a socket and is left out.",
        "sub/link is a symbolic link and is left out.",
        "up is a symbolic link and is left out.",
    ]
    assert [entry.name for entry in entries_of(stream_of(source))] == ["sub"]
    source.close()


@pytest.mark.parametrize("change", ["write", "remove", "replace", "link", "pipe", "swap folder", "link folder"])
def test_a_file_that_changed_since_it_was_found_is_noticed(here: Path, tmp_path: Path, change: str) -> None:
    fill(here)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "y").write_text("!!")
    y = here / "b" / "y"
    with offered(here) as (source, _, _):
        source.read_into(memoryview(bytearray(3)), source.head)  # another one is open
        if change == "write":
            y.write_text("ZZZ")
        elif "folder" in change:
            (here / "b").rename(here / "old")
            (here / "b").symlink_to(outside) if change == "link folder" else outside.rename(here / "b")
        else:
            y.unlink()
            if change == "replace":
                y.write_text("YY")
            elif change == "link":
                y.symlink_to(outside / "y")
            elif change == "pipe":
                os.mkfifo(y)
        with pytest.raises((SourceChanged, Unreadable)):
            source.read_into(memoryview(bytearray(2)), source.size - 2)


def test_an_empty_folder_has_an_empty_stream(here: Path) -> None:
    with offered(here) as (source, _, offer):
        assert (source.size, source.head, source.count, offer.folder) == (0, 0, 0, True)


def test_a_name_that_is_not_utf_8_is_sent_as_text(here: Path) -> None:
    Path(os.fsdecode(os.fsencode(here) + b"/caf\xe9")).write_text("x")
    with offered(here) as (source, _, _):
        assert [entry.name for entry in entries_of(stream_of(source)[: source.head])] == ["caf\ufffd"]


def nest(folder: Path, depth: int) -> None:
    folder.joinpath(*["d"] * depth).mkdir(parents=True)


def test_folders_inside_each_other_have_a_limit(here: Path) -> None:
    nest(here, MAX_DEPTH)
    with offered(here):
        pass
    nest(here, MAX_DEPTH + 1)
    with pytest.raises(TransferError, match="more than 64 folders inside each other"):
        open_source(here, no_skips)


@pytest.mark.parametrize("limit", ["MAX_ENTRIES", "MAX_MANIFEST"])
def test_a_folder_with_too_much_in_it_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    fill(here)
    monkeypatch.setattr(folder_source, limit, 7)
    with pytest.raises(TransferError, match=r"more than .* files and folders"):
        open_source(here, no_skips)


def test_a_folder_with_too_many_bytes_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(here)
    monkeypatch.setattr(folder_source, "MAX_SIZE", CHUNK)
    with pytest.raises(TransferError, match="more than 262144 bytes"):
        open_source(here, no_skips)


def test_a_name_that_is_gone_before_its_turn_is_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was a traceback of FileNotFoundError."""
    fill(here)
    listed = FolderSource._names

    def names(self: FolderSource, folder: int) -> list[str]:
        found = listed(self, folder)
        (here / "z").unlink(missing_ok=True)
        return found

    monkeypatch.setattr(FolderSource, "_names", names)
    with pytest.raises(Unreadable, match="z cannot be read: No such file"):
        open_source(here, no_skips)


def test_no_descriptor_is_left_open(here: Path) -> None:
    before = os.listdir("/proc/self/fd")
    fill(here)
    with offered(here) as (source, _, _):
        stream_of(source)
    nest(here, MAX_DEPTH + 1)
    with pytest.raises(TransferError):
        open_source(here, no_skips)
    assert os.listdir("/proc/self/fd") == before


def test_a_folder_inside_that_cannot_be_read_is_named(here: Path) -> None:
    (here / "sub" / "closed").mkdir(parents=True)
    (here / "sub" / "closed").chmod(0)
    with as_nobody(here), pytest.raises(Unreadable, match=r"^sub/closed cannot be read: Permission denied\.$"):
        open_source(here, no_skips)
    (here / "sub" / "closed").chmod(0o700)
