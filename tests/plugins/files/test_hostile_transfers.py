"""Hostile offers: no byte is written outside the folder, and what was in it stays unchanged."""

import os
import random
import resource
from pathlib import Path

import pytest
from hostile_names import hostile_names
from hypothesis import given, settings
from hypothesis import strategies as st
from transferring import BytesSource, arriving, carry, hashed, hostile_folder, receive, tree_of

from plytalk.plugins.files.file_limits import CHUNK, MAX_DEPTH, MAX_ENTRIES, MAX_SIZE
from plytalk.plugins.files.manifest import Entry, FileOffer
from plytalk.plugins.files.transfer_errors import BadOffer, NoSpace, TransferError

MINE = {"mine": b"mine", "unnamed": b"also mine"}


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """A folder to receive into, with files of its owner in it and around it."""
    folder = tmp_path / "a" / "b" / "there"
    folder.mkdir(parents=True)
    for around in (tmp_path, tmp_path / "a", tmp_path / "a" / "b", folder):
        for name, content in MINE.items():
            (around / name).write_bytes(content)
    return folder


def outside_of(inside: Path) -> dict[str, object]:
    top = inside.parents[2]
    return {name: entry for name, entry in tree_of(top).items() if not (top / name).is_relative_to(inside)}


def names_below(inside: Path) -> list[str]:
    return sorted(os.listdir(inside))


def test_500_hostile_names_of_files(inside: Path) -> None:
    before = outside_of(inside)
    got = [receive(BytesSource(b"x", name), inside) for name in hostile_names()]
    changed = {name for name, entry in outside_of(inside).items() if entry != before.get(name)}
    assert changed <= {"a/b/there"}  # its time of change
    assert names_below(inside) == sorted([*got, *MINE])
    assert {name: (inside / name).read_bytes() for name in MINE} == MINE
    assert not [name for name in got if name.startswith(".")]


def test_500_hostile_names_in_a_folder(inside: Path) -> None:
    before = outside_of(inside)
    entries = []
    names = [name[:1024].encode("utf-8", "replace").decode() for name in hostile_names()]  # JSON has no half surrogates
    for name in names:
        entries += [Entry(0, name, 0o644, 0, 1), Entry(0, name, 0o755, 0, None), Entry(1, name, 0o644, 0, 1)]
    content = b"x" * (2 * len(names))
    assert receive(hostile_folder(entries, content), inside) == "hostile"
    changed = {name for name, entry in outside_of(inside).items() if entry != before.get(name)}
    assert changed <= {"a/b/there"}
    assert names_below(inside) == sorted(["hostile", *MINE])
    found = tree_of(inside / "hostile").values()
    assert sorted(kind for kind, *_ in found) == ["file"] * len(content) + ["folder"] * len(names)
    assert all(content == b"x" for kind, _, _, content in found if kind == "file")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),
            st.one_of(st.sampled_from(["..", ".", "a", "A", "a/b", "con", ""]), st.text(max_size=8)),
            st.integers(0, 0o7777),
            st.one_of(st.none(), st.integers(0, 5)),
        ),
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_any_manifest_stays_inside_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, shape: list[tuple[int, str, int, int | None]], chance: random.Random
) -> None:
    top = tmp_path_factory.mktemp("any")
    (top / "there").mkdir()
    entries = [Entry(depth, name, mode, 0, size) for depth, name, mode, size in shape]
    content = chance.randbytes(sum(size or 0 for *_, size in shape))
    try:
        assert receive(hostile_folder(entries, content), top / "there") == "hostile"
        found = tree_of(top / "there" / "hostile").values()
        assert b"".join(sorted(body for kind, _, _, body in found)) == b"".join(
            sorted(_pieces(content, [size for *_, size in shape]))
        )
        assert all(mode & ~0o777 == 0 for _, mode, _, _ in found)
    except BadOffer:
        assert [name for name in names_below(top / "there") if not name.startswith(".plytalk-")] == []
    assert os.listdir(top) == ["there"]


def _pieces(content: bytes, sizes: list[int | None]) -> list[bytes]:
    pieces, start = [], 0
    for size in sizes:
        pieces.append(content[start : start + (size or 0)])
        start += size or 0
    return pieces


def test_a_folder_bomb_of_a_million_entries_is_refused_and_makes_nothing(inside: Path) -> None:
    with pytest.raises(BadOffer):
        receive(hostile_folder(b'[0,"",0,0,0]\n' * 1_000_000, b""), inside, count=MAX_ENTRIES)
    (kept,) = (name for name in names_below(inside) if name.startswith(".plytalk-"))
    assert list((inside / kept / "data").iterdir()) == []


def test_a_folder_of_depth_without_end_is_refused_and_makes_nothing(inside: Path) -> None:
    with pytest.raises(BadOffer):
        receive(hostile_folder(b"".join(b'[%d,"d",493,0,null]\n' % depth for depth in range(MAX_DEPTH + 1)), b""), inside)
    (kept,) = (name for name in names_below(inside) if name.startswith(".plytalk-"))
    assert list((inside / kept / "data").iterdir()) == []


def test_the_deepest_folder_that_is_allowed_arrives_with_few_descriptors(inside: Path) -> None:
    entries = [Entry(depth, "d" * 255, 0o755, 0, None) for depth in range(MAX_DEPTH)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + MAX_DEPTH + 8, hard))
    try:
        assert receive(hostile_folder(entries), inside) == "hostile"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_thousands_of_entries_of_one_name_cost_no_more_than_of_many(inside: Path) -> None:
    """Work is counted, not time: names that are tried."""
    count = 5000
    entries = [Entry(0, "x", 0o644, 0, 0)] * count
    assert receive(hostile_folder(entries), inside) == "hostile"
    assert len(os.listdir(inside / "hostile")) == count


def test_a_stream_that_is_longer_or_shorter_than_its_files_is_refused(inside: Path) -> None:
    entries = [Entry(0, "a", 0o644, 0, 5)]
    for content in (b"123456", b"1234"):
        with pytest.raises(BadOffer):
            receive(hostile_folder(entries, content), inside)


def test_sizes_whose_sum_would_overflow_are_refused(inside: Path) -> None:
    entries = [Entry(0, "a", 0o644, 0, MAX_SIZE)] * 5
    with pytest.raises(BadOffer):
        receive(hostile_folder(entries, b"x"), inside)


def test_an_offer_beyond_the_disk_is_refused_before_anything_is_sent(inside: Path) -> None:
    free = os.statvfs(inside).f_bavail * os.statvfs(inside).f_frsize
    offer = FileOffer(name="huge", size=min(free + 2**30, MAX_SIZE), root=bytes(32), hash="blake2b")
    with pytest.raises(NoSpace, match=r"huge needs [0-9.]+ .B, and there is space for [0-9.]+ .B"), arriving(inside, offer):
        pass
    assert not (inside / f".plytalk-{offer.key}.part").exists()


def kept_place(source: BytesSource, inside: Path) -> Path:
    """Where what arrives from this source is kept."""
    with hashed(source) as (_, offer):
        return inside / f".plytalk-{offer.key}.part"


@pytest.mark.parametrize("name", ["", "state", "leaves", "data"])
def test_a_planted_link_in_the_place_of_what_is_kept_is_not_followed(inside: Path, tmp_path: Path, name: str) -> None:
    source = BytesSource(b"x" * 10, "a")
    before = outside_of(inside)
    kept = kept_place(source, inside)
    if name:
        kept.mkdir(0o700)
    (kept / name if name else kept).symlink_to(tmp_path / "mine" if name else tmp_path)
    if name:  # what is not a plain file is of no use, and is removed
        assert receive(source, inside) == "a"
    else:
        with pytest.raises(TransferError):
            receive(source, inside)
    assert {one for one, entry in outside_of(inside).items() if entry != before.get(one)} <= {"a/b/there"}


@pytest.mark.parametrize("name", ["state", "leaves", "data"])
def test_a_file_that_has_another_name_is_not_written_to(inside: Path, tmp_path: Path, name: str) -> None:
    source = BytesSource(b"x" * 10, "a")
    kept = kept_place(source, inside)
    kept.mkdir(0o700)
    (kept / name).hardlink_to(tmp_path / "mine")
    assert receive(source, inside) == "a"
    assert (tmp_path / "mine").read_bytes() == b"mine"


def test_what_is_kept_and_open_to_others_is_refused(inside: Path) -> None:
    source = BytesSource(b"x" * 10, "a")
    kept = kept_place(source, inside)
    kept.mkdir()
    kept.chmod(0o777)
    with pytest.raises(TransferError, match="open to other users"):
        receive(source, inside)


def test_a_sender_who_changes_the_manifest_between_two_tries_begins_again(inside: Path) -> None:
    entries = [Entry(0, name, 0o644, 0, CHUNK) for name in "ab"]
    first = hostile_folder(entries, os.urandom(2 * CHUNK))
    with hashed(first) as (tree, offer), arriving(inside, offer) as partial:
        carry(first, tree, partial, chunks=1)
    other = hostile_folder([Entry(0, name, 0o644, 0, CHUNK) for name in "xy"], first.content[first.head :])
    assert receive(other, inside) == "hostile"
    assert sorted(os.listdir(inside / "hostile")) == ["x", "y"]
