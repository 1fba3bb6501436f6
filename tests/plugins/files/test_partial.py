"""What arrives is checked before it is written, kept when it is cut, and named when it is whole."""

import os
import time
from pathlib import Path

import pytest
from transferring import arriving, as_nobody, carry, files_limited_to, offered, send, tree_of

from plytalk.core.contracts.errors import ChatError
from plytalk.plugins.files.file_limits import CHUNK, MAX_PARTIALS
from plytalk.plugins.files.hash_tree import KNOWN
from plytalk.plugins.files.manifest import FileOffer
from plytalk.plugins.files.transfer_errors import Damaged, NoSpace, NotStored

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


def replaced_by(kind: str, path: Path, elsewhere: Path) -> None:
    """Put something else in the place of a file or folder."""
    path.rename(elsewhere / "taken")
    if kind == "link":
        path.symlink_to(elsewhere / "taken")
    elif kind == "folder":
        path.mkdir()
        (path / "more").touch()
    elif kind == "file":
        path.write_text("other")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        os.link(elsewhere / "taken", path)


@pytest.mark.parametrize("name", ["data", "leaves"])
@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "second name"])
def test_what_is_kept_and_no_plain_file_any_more_is_begun_again(
    here: Path, there: Path, tmp_path: Path, name: str, kind: str
) -> None:
    """It could not be received until its hidden folder was removed by hand."""
    (here / "a").write_bytes(os.urandom(3 * CHUNK))
    with offered(here / "a") as (source, tree, offer):
        with arriving(there, offer) as partial:
            carry(source, tree, partial, chunks=2)
        (kept,) = there.iterdir()
        replaced_by(kind, kept / name, tmp_path)
        before = (tmp_path / "taken").read_bytes()
        with arriving(there, offer) as partial:
            assert partial.received == 0
            carry(source, tree, partial)
            assert partial.finish() == "a"
    assert tree_of(there) == tree_of(here)
    assert (tmp_path / "taken").read_bytes() == before


@pytest.mark.parametrize(("place", "kind"), [("data", "link"), ("data", "file"), ("data/b", "link"), ("data/b", "file")])
def test_a_folder_that_is_kept_and_is_none_any_more_is_begun_again(
    here: Path, there: Path, tmp_path: Path, place: str, kind: str
) -> None:
    (here / "a" / "b").mkdir(parents=True)
    (here / "a" / "b" / "c").write_bytes(os.urandom(3 * CHUNK))
    with offered(here / "a") as (source, tree, offer):
        with arriving(there, offer) as partial:
            carry(source, tree, partial, chunks=2)
        (kept,) = there.iterdir()
        replaced_by(kind, kept / place, tmp_path)
        before = tree_of(tmp_path / "taken")
        with arriving(there, offer) as partial:
            assert partial.received == 0
            carry(source, tree, partial)
            assert partial.finish() == "a"
    assert tree_of(there) == tree_of(here)
    assert tree_of(tmp_path / "taken") == before


@pytest.mark.parametrize("kind", ["file", "folder", "file with two names"])
def test_what_got_its_name_just_before_the_process_ended_is_not_sent_again(here: Path, there: Path, kind: str) -> None:
    if kind == "folder":
        (here / "a").mkdir()
        (here / "a" / "b").write_bytes(CONTENT)
    else:
        (here / "a").write_bytes(CONTENT)
    with offered(here / "a") as (source, tree, offer):
        with arriving(there, offer) as partial:
            carry(source, tree, partial)
        (kept,) = there.iterdir()
        if kind == "file with two names":
            (there / "a (3)").hardlink_to(kept / "data")
        else:
            (kept / "data").rename(there / "a (3)")
        with arriving(there, offer) as partial:
            assert partial.received == offer.size
            assert partial.finish() == "a (3)"
        assert os.listdir(there) == ["a (3)"]
        send(here / "a", there)
        assert sorted(os.listdir(there)) == ["a", "a (3)"]
    assert tree_of(there / "a (3)") == tree_of(here / "a")


# -- what goes wrong on this side -----------------------------------------------------------------------------------------


def test_no_space_is_one_sentence_and_what_has_arrived_is_kept(here: Path, there: Path) -> None:
    (here / "a").write_bytes(os.urandom(3 * CHUNK))
    with offered(here / "a") as (source, tree, offer):
        with arriving(there, offer) as partial:
            with (
                files_limited_to(CHUNK + 1000),
                pytest.raises(NoSpace, match=r"^There is not enough space for a: File too large\.$") as full,
            ):
                carry(source, tree, partial)
            assert full.value.sentence.endswith("Make room and accept it again: what has arrived is kept.")
            assert partial.received == CHUNK
            with pytest.raises(NotStored, match="any more"):  # half of a chunk may be there
                carry(source, tree, partial)
            with pytest.raises(NotStored, match="any more"):
                partial.finish()
        assert not (there / "a").exists()
        with arriving(there, offer) as partial:
            assert partial.received == CHUNK
            carry(source, tree, partial)
            assert partial.finish() == "a"
    assert tree_of(there) == tree_of(here)


def test_what_has_arrived_is_kept_if_there_is_no_space_to_go_on(here: Path, there: Path) -> None:
    """Before it was verified, it counted as nothing, and was removed."""
    (here / "a").write_bytes(os.urandom(3 * CHUNK))
    with offered(here / "a") as (source, tree, offer):
        with arriving(there, offer) as partial, files_limited_to(2 * CHUNK + 1000), pytest.raises(NoSpace):
            carry(source, tree, partial)
        with files_limited_to(0), pytest.raises(NoSpace) as full, arriving(there, offer):
            pass
        assert full.value.sentence.endswith("Make room and accept it again: what has arrived is kept.")
        with arriving(there, offer) as partial:
            assert partial.received == 2 * CHUNK


def test_where_there_was_no_space_for_anything_nothing_is_said_to_be_kept_and_nothing_is_left(here: Path, there: Path) -> None:
    (here / "a").write_bytes(os.urandom(3 * CHUNK))
    with offered(here / "a") as (source, tree, offer), arriving(there, offer) as partial:
        with files_limited_to(1000), pytest.raises(NoSpace) as full:
            carry(source, tree, partial)
        assert full.value.sentence == "There is not enough space for a: File too large. Make room and accept it again."
        assert os.listdir(there) == []
    send(here / "a", there)
    assert tree_of(there) == tree_of(here)


def test_no_permission_is_one_sentence(there: Path) -> None:
    offer = FileOffer(name="a", size=5, root=bytes(32), hash="blake2b")
    there.chmod(0o555)
    with as_nobody(there), pytest.raises(NotStored, match=r"^a cannot be written: Permission denied\.$"), arriving(there, offer):
        pass
    there.chmod(0o755)


def test_two_receivers_do_not_write_to_one_file(here: Path, there: Path) -> None:
    (here / "a").write_bytes(os.urandom(10))
    with offered(here / "a") as (source, tree, offer), arriving(there, offer) as partial:
        with pytest.raises(NotStored, match="being received already"), arriving(there, offer):
            pass
        carry(source, tree, partial)
        assert partial.finish() == "a"


def test_what_is_kept_and_was_changed_on_the_disk_is_sent_again(here: Path, there: Path) -> None:
    (here / "a").write_bytes(os.urandom(4 * CHUNK))
    with offered(here / "a") as (source, tree, offer):
        with arriving(there, offer) as partial:
            carry(source, tree, partial, chunks=3)
        (kept,) = there.iterdir()
        with (kept / "data").open("r+b") as file:
            file.seek(CHUNK + 5)
            (there_now,) = file.read(1)
            file.seek(CHUNK + 5)
            file.write(bytes([there_now ^ 1]))
        with arriving(there, offer) as partial:
            assert partial.received == CHUNK
            carry(source, tree, partial)
            assert partial.finish() == "a"
    assert tree_of(there) == tree_of(here)


@pytest.mark.parametrize("lost", ["data", "leaves", "manifest", "state"])
@pytest.mark.parametrize("how", ["gone", "empty", "rubbish"])
def test_whatever_of_what_is_kept_is_lost_the_rest_is_sent_again(here: Path, there: Path, lost: str, how: str) -> None:
    folder = here / "folder"
    (folder / "sub").mkdir(parents=True)
    for name in ("a", "b", "sub/c"):
        (folder / name).write_bytes(os.urandom(CHUNK))
    with offered(folder) as (source, tree, offer):
        with arriving(there, offer) as partial:
            carry(source, tree, partial, chunks=2)
        (kept,) = there.iterdir()
        path = kept / "data" / "a" if lost == "data" else kept / lost
        path.unlink() if how == "gone" else path.write_bytes(b"" if how == "empty" else b"\xff[0]\n" * 9)
        with arriving(there, offer) as partial:
            assert partial.received == (2 * CHUNK if lost == "state" else 0)
            carry(source, tree, partial)
            assert partial.finish() == "folder"
    assert tree_of(there) == tree_of(here)


@pytest.mark.parametrize("rubbish", [b'"b"', b"'a'"])
def test_rubbish_in_the_folder_that_is_kept_does_not_become_part_of_it(here: Path, there: Path, rubbish: bytes) -> None:
    """A manifest on the disk that is another one, but valid, would make other folders."""
    folder = here / "folder"
    folder.mkdir()
    (folder / "a").write_bytes(os.urandom(CHUNK))
    with offered(folder) as (source, tree, offer):
        with arriving(there, offer) as partial:
            carry(source, tree, partial, chunks=1)
        (kept,) = there.iterdir()
        manifest = (kept / "manifest").read_bytes()
        (kept / "manifest").write_bytes(manifest.replace(b'"a"', rubbish))
        with arriving(there, offer) as partial:
            assert partial.received == 0
            carry(source, tree, partial)
            partial.finish()
    assert tree_of(there) == tree_of(here)


def test_what_was_discarded_is_gone(here: Path, there: Path) -> None:
    (here / "a").write_bytes(os.urandom(2 * CHUNK))
    with offered(here / "a") as (source, tree, offer), arriving(there, offer) as partial:
        carry(source, tree, partial, chunks=1)
        partial.discard()
        partial.discard()
        partial.close()
        assert list(there.iterdir()) == []


def test_leaves_that_do_not_lead_to_the_root_at_the_end_are_damage(here: Path, there: Path) -> None:
    (here / "a").write_bytes(os.urandom(2 * CHUNK))
    with offered(here / "a") as (source, tree, offer), arriving(there, offer) as partial:
        carry(source, tree, partial)
        (kept,) = there.iterdir()
        leaves = (kept / "leaves").read_bytes()
        (kept / "leaves").write_bytes(bytes([leaves[0] ^ 1]) + leaves[1:])
        with pytest.raises(Damaged):
            partial.finish()
    assert not (there / "a").exists()


def test_all_reaches_the_disk_where_that_is_asked(here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    (here / "d").mkdir()
    (here / "d" / "a").write_text("a")
    (here / "d" / "e").touch()
    assert send(here / "d", there, sync=True) == "d"
    files = [there / "d" / "a", there / "d" / "e", there / "d", there]
    assert {path.stat().st_ino for path in files} <= set(synced)
    assert synced[-1] == there.stat().st_ino


# -- what is kept does not grow without end -------------------------------------------------------------------------------


def keep(there: Path, number: int) -> Path:
    """An unfinished transfer."""
    offer = FileOffer(name="a", size=number + 1, root=bytes(32), hash="blake2b")
    with arriving(there, offer):
        return there / f".plytalk-{offer.key}.part"


def test_unfinished_transfers_of_a_week_ago_are_removed(there: Path) -> None:
    old, older, new = (keep(there, number) for number in range(3))
    now = time.time()
    os.utime(old, (0, now - 6.9 * 86400))
    os.utime(older, (0, now - 7.1 * 86400))
    (there / ".plytalk-mine").mkdir()
    another = keep(there, 3)
    assert set(there.iterdir()) == {old, new, another, there / ".plytalk-mine"}


def test_the_oldest_are_removed_where_there_are_many(there: Path) -> None:
    kept = [keep(there, number) for number in range(MAX_PARTIALS)]
    for number, path in enumerate(kept):
        os.utime(path, (0, time.time() - 1000 + number))
    another = keep(there, 99)
    assert set(there.iterdir()) == {*kept[1:], another}


def test_one_that_is_in_use_is_not_removed(there: Path) -> None:
    offer = FileOffer(name="a", size=1, root=bytes(32), hash="blake2b")
    with arriving(there, offer):
        path = there / f".plytalk-{offer.key}.part"
        os.utime(path, (0, 0))
        keep(there, 1)
        assert path.exists()
    os.utime(path, (0, 0))
    keep(there, 2)
    assert not path.exists()


def test_what_is_in_the_way_of_expiring_is_left_alone(there: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "mine").touch()
    (there / ".plytalk-a.part").symlink_to(tmp_path / "outside")
    (there / ".plytalk-b.part").write_text("mine")
    for name in ("a", "b"):
        os.utime(there / f".plytalk-{name}.part", (0, 0), follow_symlinks=False)
    keep(there, 1)
    assert (tmp_path / "outside" / "mine").exists()
    assert (there / ".plytalk-b.part").read_text() == "mine"


def test_a_folder_that_took_the_place_of_what_is_kept_is_not_removed(here: Path, there: Path) -> None:
    """Somebody who can write to the folder could otherwise have another's folder removed by us."""
    (here / "a").write_bytes(os.urandom(10))
    (there / "precious").mkdir()
    (there / "precious" / "file").touch()
    with offered(here / "a") as (source, tree, offer), arriving(there, offer) as partial:
        carry(source, tree, partial)
        (kept,) = there.glob(".plytalk-*")
        kept.rename(there / "elsewhere")
        (there / "precious").rename(kept)
        assert partial.finish() == "a"
    assert (kept / "file").exists()
    assert os.listdir(there / "elsewhere") == []


def test_descriptors_are_not_left_open(here: Path, there: Path) -> None:
    before = os.listdir("/proc/self/fd")
    (here / "a" / "b").mkdir(parents=True)
    (here / "a" / "b" / "c").write_bytes(os.urandom(CHUNK + 1))
    with offered(here / "a") as (source, tree, offer), arriving(there, offer) as partial:
        carry(source, tree, partial, chunks=1)
    send(here / "a", there)
    for wrong in (
        FileOffer(name="a", size=5, root=bytes(32), hash="md5"),
        FileOffer(name="a", size=2**42, root=bytes(32), hash="blake2b"),
    ):
        with pytest.raises(ChatError), arriving(there, wrong):
            pass
    assert os.listdir("/proc/self/fd") == before
