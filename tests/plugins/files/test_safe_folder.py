"""A folder is accessed only through its open descriptor: no link is followed and nothing is overwritten."""

import errno
import os
from contextlib import closing
from pathlib import Path

import pytest
from transferring import opened

from plytalk.plugins.files.safe_folder import SafeFolder, not_stored, rename_by_steps, storing
from plytalk.plugins.files.transfer_errors import NoSpace, NotStored


def test_the_folder_of_the_user_may_be_a_link(there: Path) -> None:
    (there / "link").symlink_to(".")
    with opened(there / "link") as folder:
        assert folder.names() == ["link"]
    for wrong in (there / "far" / "away", Path("/dev/null")):
        with pytest.raises(NotStored):
            SafeFolder.at(wrong)


def test_a_folder_made_is_for_its_owner_alone_and_one_that_is_there_is_taken(there: Path) -> None:
    with opened(there) as folder:
        folder.make_folder("a").close()
        assert (there / "a").stat().st_mode & 0o777 == 0o700
        again = folder.make_folder("a")
        assert os.fstat(again.descriptor).st_ino == (there / "a").stat().st_ino
        again.close()


def test_a_link_is_never_entered_nor_opened(there: Path, tmp_path: Path) -> None:
    (there / "folder").symlink_to(tmp_path)
    (there / "file").symlink_to(tmp_path / "new")
    (tmp_path / "old").write_text("old")
    (there / "old").symlink_to(tmp_path / "old")
    with opened(there) as folder:
        for name in ("folder", "file"):
            with pytest.raises(OSError, match=r"Not a directory|File exists|symbolic"):
                folder.make_folder(name)
        for name in ("file", "old", "folder"):
            with pytest.raises(OSError, match="symbolic links"):
                folder.open_file(name)
    assert not (tmp_path / "new").exists()


def test_only_a_plain_file_with_one_name_is_opened(there: Path) -> None:
    os.mkfifo(there / "pipe")
    (there / "one").write_text("mine")
    (there / "two").hardlink_to(there / "one")
    with opened(there) as folder:
        for name in ("pipe", "one", "two"):
            with pytest.raises(PermissionError):
                folder.open_file(name)
        descriptor = folder.open_file("new")
        assert os.fstat(descriptor).st_mode & 0o777 == 0o600
        os.close(descriptor)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_folder_or_a_file_of_another_user_is_refused(there: Path) -> None:
    (there / "folder").mkdir()
    (there / "file").touch()
    os.chown(there / "folder", 12345, 12345)
    os.chown(there / "file", 12345, 12345)
    with opened(there) as folder:
        with pytest.raises(PermissionError):
            folder.make_folder("folder")
        with pytest.raises(PermissionError):
            folder.open_file("file")


def take(folder: SafeFolder, name: str, wanted: str) -> str:
    """Move something from the folder `from` in this one."""
    source = folder.folder("from")
    try:
        return folder.take(source, name, wanted)
    finally:
        source.close()


def fill(there: Path) -> None:
    (there / "from" / "folder").mkdir(parents=True)
    (there / "from" / "file").write_text("new")


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("taken", ["file", "folder", "full folder", "link", "dead link", "pipe"])
@pytest.mark.parametrize("steps", [False, True])
def test_nothing_that_has_the_name_is_overwritten(
    there: Path, kind: str, taken: str, steps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if steps:
        monkeypatch.setattr("plytalk.plugins.files.safe_folder._renameat2", None)
    fill(there)
    (there / "other").mkdir()
    name = there / "a.b"
    match taken:
        case "file":
            name.write_text("old")
        case "folder" | "full folder":
            name.mkdir()
            if taken == "full folder":
                (name / "in").touch()
        case "link":
            name.symlink_to("other")
        case "dead link":
            name.symlink_to("nowhere")
        case "pipe":
            os.mkfifo(name)
    before = name.lstat()
    with opened(there) as folder:
        assert take(folder, kind, "a.b") == "a (1).b"
    after = name.lstat()
    assert (after.st_ino, after.st_mode, after.st_size) == (before.st_ino, before.st_mode, before.st_size)
    assert (there / "a (1).b").exists()
    assert not (there / "from" / kind).exists()
    assert os.listdir(there / "other") == []


def test_a_free_name_is_taken_as_it_is(there: Path) -> None:
    fill(there)
    with opened(there) as folder:
        assert take(folder, "file", "a") == "a"
        assert take(folder, "folder", "b") == "b"
        with pytest.raises(FileNotFoundError):
            take(folder, "gone", "c")
    assert sorted(os.listdir(there)) == ["a", "b", "from"]


def test_names_end(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plytalk.plugins.files.safe_names.MAX_NUMBER", 1)
    fill(there)
    (there / "a").touch()
    (there / "a (1)").touch()
    with opened(there) as folder, pytest.raises(FileExistsError, match="too many files of that name"):
        take(folder, "file", "a")


def test_a_file_system_without_the_one_step_has_the_same_result(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> int:
        __import__("ctypes").set_errno(errno.EINVAL)
        return -1

    monkeypatch.setattr("plytalk.plugins.files.safe_folder._renameat2", refuses)
    fill(there)
    with opened(there) as folder:
        assert take(folder, "file", "a") == "a"
        rename_by_steps(folder.descriptor, "from", folder.descriptor, "to")
    assert (there / "a").read_text() == "new"
    assert os.listdir(there / "to") == ["folder"]


def test_removing_goes_through_no_link(there: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").touch()
    (there / "a" / "b").mkdir(parents=True)
    (there / "a" / "b" / "link").symlink_to(tmp_path / "outside")
    (there / "link").symlink_to(tmp_path / "outside")
    with opened(there) as folder:
        for name in ("a", "link", "nothing"):
            folder.remove(name)
        assert folder.names() == []
    assert (tmp_path / "outside" / "kept").exists()


def test_what_is_in_it(there: Path) -> None:
    (there / "a").touch()
    os.utime(there / "a", (5, 5))
    inode = (there / "a").stat().st_ino
    with opened(there) as folder:
        assert (folder.inode("a"), folder.inode("b")) == (inode, None)
        assert folder.name_of(inode, 5 * 10**9) == "a"
        assert folder.name_of(inode, 6) is folder.name_of(2**60, 5 * 10**9) is None
        assert (folder.changed("a"), folder.changed("b")) == (5.0, 0.0)
        assert not folder.is_shared("a")
        (there / "c").hardlink_to(there / "a")
        assert folder.is_shared("a")
        assert folder.free() > 0
        folder.sync()
    folder.close()  # a second time


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_too_little_space_is_an_error_of_its_kind(number: int) -> None:
    with pytest.raises(NoSpace, match=r"There is not enough space for a\\u\{202e\}b"), storing("a\u202eb"):
        raise OSError(number, os.strerror(number))


def test_any_other_error_is_said_in_words() -> None:
    assert str(not_stored("a", OSError(errno.EACCES, "Permission denied"))) == "a cannot be written: Permission denied."


def test_a_folder_that_is_closed_is_not_the_one_in_which_the_program_runs(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For `os.listdir` and `os.scandir`, -1 is that one."""
    monkeypatch.chdir(there)
    (there / "mine").touch()
    folder = SafeFolder.at(there)
    folder.close()
    assert not folder.is_open
    calls = (folder.names, lambda: folder.remove("mine"), lambda: folder.name_of(1, 1), lambda: folder.inode("mine"), folder.free)
    for call in calls:
        with pytest.raises(OSError, match="Bad file descriptor"):
            call()
    assert (there / "mine").exists()


def test_a_folder_that_is_not_there_yet_is_made_but_not_a_whole_path(tmp_path: Path) -> None:
    """`chat receive --into NEW` had used up its code when it found that there was no such folder."""
    with closing(SafeFolder.at(tmp_path / "new")) as folder:
        assert folder.is_open
    assert (tmp_path / "new").is_dir()
    with pytest.raises(NotStored):
        SafeFolder.at(tmp_path / "far" / "away")


@pytest.mark.parametrize("there", ["nothing", "file", "link", "folder"])
def test_a_file_replaces_what_has_its_name_but_no_folder_and_nothing_behind_a_link(tmp_path: Path, there: str) -> None:
    (new := tmp_path / "new").mkdir()
    (into := tmp_path / "into").mkdir()
    (new / "data").write_text("new")
    behind = tmp_path / "behind"
    behind.write_text("behind")
    if there == "file":
        (into / "x").write_text("old")
    elif there == "link":
        (into / "x").symlink_to(behind)
    elif there == "folder":
        (into / "x").mkdir()
    with opened(new) as source, opened(into) as target:
        name = target.take(source, "data", "x", replace=True)
    assert name == ("x (1)" if there == "folder" else "x")
    assert (into / name).read_text() == "new"
    assert not (into / name).is_symlink()
    assert behind.read_text() == "behind"
