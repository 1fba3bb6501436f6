"""The stream that arrives becomes files, each of which can be taken up again at any byte."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from transferring import hostile_folder, opened, receive, tree_of

from plytalk.plugins.files.manifest import Entry, FileOffer
from plytalk.plugins.files.safe_folder import SafeFolder
from plytalk.plugins.files.source import hash_source, make_offer
from plytalk.plugins.files.stored_stream import StoredStream
from plytalk.plugins.files.transfer_errors import BadOffer

ENTRIES = [
    Entry(0, "a", 0o644, 10**18, 5),
    Entry(0, "dir", 0o755, 10**18 + 1, None),
    Entry(1, "empty", 0o600, 10**18 + 2, 0),
    Entry(1, "sub", 0o500, 10**18 + 3, None),
    Entry(2, "b", 0o755, 10**18 + 4, 7),
    Entry(1, "c", 0o400, 10**18 + 5, 1),
    Entry(0, "last", 0o755, 10**18 + 6, None),
]
CONTENT = b"AAAAABBBBBBBC"


@pytest.fixture
def folder(there: Path) -> Iterator[SafeFolder]:
    with opened(there) as folder:
        yield folder


def offered(entries: list[Entry], content: bytes) -> tuple[bytes, FileOffer]:
    source = hostile_folder(entries, content)
    tree = hash_source(source)
    tree.close()
    return source.content, make_offer(source, tree)


def written(folder: SafeFolder, stream: bytes, offer: FileOffer) -> None:
    one = StoredStream(folder, offer)
    one.write(stream)
    assert one.complete
    one.close()


def test_each_file_has_its_content_its_mode_and_its_time(folder: SafeFolder, there: Path) -> None:
    stream, offer = offered(ENTRIES, CONTENT)
    written(folder, stream, offer)
    found = tree_of(there / "data")
    assert found == {
        "a": ("file", 0o644, 10**18, b"AAAAA"),
        "dir": ("folder", 0o755, 10**18 + 1, b""),
        "dir/empty": ("file", 0o600, 10**18 + 2, b""),
        "dir/sub": ("folder", 0o700, 10**18 + 3, b""),
        "dir/sub/b": ("file", 0o755, 10**18 + 4, b"BBBBBBB"),
        "dir/c": ("file", 0o600, 10**18 + 5, b"C"),
        "last": ("folder", 0o755, 10**18 + 6, b""),
    }


def test_it_can_be_cut_and_taken_up_at_every_byte(folder: SafeFolder, there: Path) -> None:
    stream, offer = offered(ENTRIES, CONTENT)
    written(folder, stream, offer)
    whole = tree_of(there)
    for cut in range(len(stream) + 1):
        folder.remove("data")
        folder.remove("manifest")
        one = StoredStream(folder, offer)
        one.write(stream[:cut])
        one.close()
        one = StoredStream(folder, offer)
        one.skip(cut)
        one.write(stream[cut:])
        assert one.complete
        one.close()
        assert tree_of(there) == whole, cut


def test_it_is_read_as_it_was_written(folder: SafeFolder, there: Path) -> None:
    stream, offer = offered(ENTRIES, CONTENT)
    written(folder, stream, offer)
    before = tree_of(there)
    for step in (1, 7, len(stream)):
        one = StoredStream(folder, offer)
        read = b""
        while len(read) < len(stream):
            buffer = bytearray(min(step, len(stream) - len(read)))
            assert one.read_into(memoryview(buffer))
            read += buffer
        assert one.complete
        one.close()
        assert read == stream
    assert tree_of(there) == before
    (there / "data" / "a").write_text("AAA")
    one = StoredStream(folder, offer)
    assert not one.read_into(memoryview(bytearray(len(stream))))
    one.close()


def test_the_mask_of_the_user_holds(folder: SafeFolder, there: Path) -> None:
    old = os.umask(0o027)
    try:
        written(folder, *offered([Entry(0, "a", 0o7777, 0, 0), Entry(0, "d", 0o7777, 0, None)], b""))
    finally:
        os.umask(old)
    assert {name: mode for name, (_, mode, _, _) in tree_of(there / "data").items()} == {"a": 0o750, "d": 0o750}


def test_twins_get_numbers(folder: SafeFolder, there: Path) -> None:
    names = [
        "a.txt",
        "A.TXT",
        "a.txt",
        "a (1).txt",
        "e\u0301",
        "\u00e9",
        "..",
        ".",
        "con",
        "CON",
        "x/y",
        "x\\y",
        "ß",
        "SS",
        "b (1)",
        "b",
        "b",
    ]
    written(folder, *offered([Entry(0, name, 0o644, 0, 0) for name in names], b""))
    found = sorted(os.listdir(there / "data"))
    plain = ["a.txt", "A (1).TXT", "a (2).txt", "a (1) (1).txt", "unnamed", "unnamed (1)", "_con", "_CON (1)", "x_y", "x_y (1)"]
    assert found == sorted([*plain, "b", "b (1)", "b (2)", "\u00e9", "\u00e9 (1)", "ß", "SS (1)"])


def test_the_same_name_in_two_folders_is_not_a_twin(folder: SafeFolder, there: Path) -> None:
    entries = [
        Entry(0, "d", 0o755, 0, None),
        Entry(1, "a", 0o644, 0, 0),
        Entry(0, "e", 0o755, 0, None),
        Entry(1, "a", 0o644, 0, 0),
    ]
    written(folder, *offered(entries, b""))
    assert sorted(tree_of(there / "data")) == ["d", "d/a", "e", "e/a"]


def test_thousands_of_one_name_are_refused_without_counting_from_one_each_time(
    folder: SafeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plytalk.plugins.files.safe_names.MAX_NUMBER", 1000)
    with pytest.raises(BadOffer, match="too many entries of one name"):
        written(folder, *offered([Entry(0, "aA"[place % 2], 0o644, 0, 0) for place in range(1002)], b""))


def test_a_manifest_that_is_not_what_was_offered_makes_nothing(there: Path) -> None:
    source = hostile_folder(ENTRIES, CONTENT)
    with pytest.raises(BadOffer):
        receive(source, there, count=3)
    assert not [path for path in there.rglob("*") if path.parent.name == "data"]


def test_any_pieces_give_the_same(folder: SafeFolder, there: Path) -> None:
    stream, offer = offered(ENTRIES, CONTENT)
    written(folder, stream, offer)
    whole = tree_of(there)
    pieces = random.Random(7)
    for _ in range(50):
        folder.remove("data")
        folder.remove("manifest")
        one = StoredStream(folder, offer)
        left = stream
        while left:
            length = pieces.randint(1, 40)
            one.write(left[:length])
            left = left[length:]
        one.close()
        assert tree_of(there) == whole
