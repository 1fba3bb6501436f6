"""Files of secrets and of trust, on a real file system."""

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from plytalk.trust.files import edited_lines, locked, read, read_lines, write, write_new
from plytalk.trust.store_errors import Corrupt, Exposed, FileExists, FileInUse, StoreError, Unwritable

ROOT = os.geteuid() == 0
NOBODY = 65534


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=180)


def test_only_a_file_that_does_not_exist_is_absent(tmp_path: Path) -> None:
    assert read(tmp_path / "none") is None
    assert read(tmp_path / "none" / "deeper") is None
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "none")
    write(tmp_path / "file", b"content")
    for refused in ("folder", "dangling", "file/deeper"):
        with pytest.raises(StoreError, match=refused):
            read(tmp_path / refused)
    assert read(tmp_path / "file") == b"content"


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    ran = python("import sys, pathlib; from plytalk.trust.files import read; read(pathlib.Path(sys.argv[1]))", tmp_path / "pipe")
    assert ran.stderr.endswith("pipe is not a plain file.\n")


def test_a_link_is_neither_read_nor_replaced(tmp_path: Path) -> None:
    write(tmp_path / "file", b"theirs")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(StoreError, match="symbolic link"):
        read(tmp_path / "link")
    with pytest.raises(StoreError, match="symbolic link"):
        write(tmp_path / "link", b"ours")
    assert read(tmp_path / "file") == b"theirs"


@pytest.mark.parametrize("bits", [0o604, 0o640, 0o644, 0o660, 0o601, 0o777])
def test_a_secret_open_to_others_is_refused_with_the_way_out(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "a secret"
    write(path, b"x")
    path.chmod(bits)
    with pytest.raises(Exposed) as refusal:
        read(path, secret=True)
    assert refusal.value.hint == f"`chmod 600 '{path}'`"
    path.chmod(0o400)
    assert read(path, secret=True) == b"x"


@pytest.mark.parametrize(("bits", "accepted"), [(0o600, True), (0o644, True), (0o664, False), (0o602, False)])
def test_trust_may_be_read_by_all_and_changed_by_nobody_else(tmp_path: Path, bits: int, accepted: bool) -> None:
    write(tmp_path / "trust", b"x")
    (tmp_path / "trust").chmod(bits)
    if accepted:
        assert read(tmp_path / "trust") == b"x"
    else:
        with pytest.raises(Exposed, match="changed by other users"):
            read(tmp_path / "trust")


@pytest.mark.skipif(not ROOT, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "theirs", b"x")
    os.chown(tmp_path / "theirs", NOBODY, -1)
    with pytest.raises(Exposed, match="another user"):
        read(tmp_path / "theirs")


def test_a_file_that_may_not_be_read_is_no_absent_file(tmp_path: Path) -> None:
    path = tmp_path / "closed" / "file"
    write(path, b"x")
    path.parent.chmod(0)
    if ROOT:
        os.seteuid(NOBODY)
    try:
        for attempt in (lambda: read(path), lambda: read_lines(path), lambda: write(path, b"y")):
            with pytest.raises(StoreError, match="Permission denied"):
                attempt()
    finally:
        if ROOT:
            os.seteuid(0)
        path.parent.chmod(0o700)
    assert read(path) == b"x"


def test_size_is_checked_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    path.chmod(0o600)
    with pytest.raises(StoreError, match="more than 1048576 bytes"):
        read(path)
    with pytest.raises(StoreError, match="more than 1048576 bytes"):
        write(path, bytes(1 << 21))
    assert path.stat().st_size == 1 << 40
    write(tmp_path / "five", b"12345")
    assert read(tmp_path / "five", limit=5) == b"12345"
    with pytest.raises(StoreError, match="more than 4 bytes"):
        read(tmp_path / "five", limit=4)


def test_writing_narrows_a_file_that_was_open_to_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    before = os.umask(0)
    try:
        write(path, b"one")
        path.chmod(0o644)
        write(path, b"two")
    finally:
        os.umask(before)
    assert (mode(path), mode(path.parent), read(path, secret=True)) == (0o600, 0o700, b"two")
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_a_crash_before_the_rename_leaves_the_old_file_and_a_closed_new_one(tmp_path: Path) -> None:
    write(tmp_path / "file", b"old")
    crash = """if True:
        import os, sys, pathlib
        from plytalk.trust.files import write
        os.umask(0)
        pathlib.Path.replace = lambda *_: os._exit(9)
        write(pathlib.Path(sys.argv[1]), b"new")
    """
    assert python(crash, tmp_path / "file").returncode == 9
    assert read(tmp_path / "file") == b"old"
    (left,) = tmp_path.glob(".file.*.new")
    assert (mode(left), left.read_bytes()) == (0o600, b"new")
    write(tmp_path / "file", b"newer")
    assert read(tmp_path / "file") == b"newer"


def test_a_full_disk_is_an_error_and_the_old_file_stays(tmp_path: Path) -> None:
    write(tmp_path / "file", b"old" * 100)
    full = """if True:
        import resource, sys, pathlib
        from plytalk.trust.files import write
        from plytalk.trust.store_errors import StoreError
        resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
        try:
            write(pathlib.Path(sys.argv[1]), b"new" * 1000)
        except StoreError as trouble:
            print(trouble.sentence)
    """
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    assert python(full, tmp_path / "file").stdout.endswith(
        "could not be written: File too large. Nothing was changed: make room, or name another file.\n"
    )
    assert read(tmp_path / "file") == b"old" * 100
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_lock_excludes_other_writers_and_no_reader(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, b"line\n")
    with locked(path):
        with pytest.raises(FileInUse, match="lock of"), locked(path, wait=0):
            pytest.fail("two hold the lock")
        assert read_lines(path) == ["line"]
    with locked(path, wait=0):
        pass


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    hold = """if True:
        import sys, pathlib
        from plytalk.trust.files import locked
        with locked(pathlib.Path(sys.argv[1])):
            print("held", flush=True)
            sys.stdin.read()
    """
    path = tmp_path / "file"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FileInUse), locked(path, wait=0):
            pytest.fail("two hold the lock")
        holder.kill()
    with locked(path, wait=0):
        pass


def test_a_released_lock_is_free_though_a_forked_child_lives(tmp_path: Path) -> None:
    fork = """if True:
        import os, sys, pathlib
        from plytalk.trust.files import locked
        path = pathlib.Path(sys.argv[1])
        read, write = os.pipe()
        with locked(path):
            child = os.fork()
            if child == 0:
                os.close(write)
                os.read(read, 1)
                os._exit(0)
        with locked(path, wait=0):
            print("free")
        os.close(write)
        os.waitpid(child, 0)
    """
    assert python(fork, tmp_path / "file").stdout == "free\n"


def test_a_lock_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".file.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unwritable, match="cannot be locked"), locked(tmp_path / "file"):
        pytest.fail("locked through a link")
    assert not (tmp_path / "elsewhere").exists()


def test_editing_keeps_every_byte_of_the_other_lines(tmp_path: Path) -> None:
    path = tmp_path / "file"
    odd = b"# caf\xe9 \x0b\x1c\x85\r\n\ntext\xff\n\xe2\x80\xa8"
    write(path, odd)
    with edited_lines(path) as lines:
        lines.append("new")
    assert read(path) == odd + b"\nnew\n"


@pytest.mark.parametrize("text", [b"# one\rtwo\r", b"key me\rhost key", b"one \r two\n", b"\rone\n"])
def test_lines_that_end_in_a_bare_carriage_return_are_no_comments(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "file"
    write(path, b"first\r\n" + text)
    with pytest.raises(Corrupt, match="line 2: there is a carriage return in it"):
        read_lines(path)
    with pytest.raises(Corrupt), edited_lines(path) as lines:
        lines.append("new")
    assert read(path) == b"first\r\n" + text


def test_an_edit_that_fails_or_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, b"no newline at the end")
    before = path.stat()
    with edited_lines(path):
        pass
    with pytest.raises(ZeroDivisionError), edited_lines(path) as lines:
        lines.append(str(1 // 0))
    assert (path.stat().st_ino, read(path)) == (before.st_ino, b"no newline at the end")


def test_reading_leaves_nothing_behind_and_needs_no_place_for_a_lock(tmp_path: Path) -> None:
    write(tmp_path / "kept" / "file", b"line\n")
    (tmp_path / "kept" / ".file.lock").mkdir()  # rights would not stop root
    assert read_lines(tmp_path / "kept" / "file") == ["line"]
    with pytest.raises(Unwritable, match="cannot be locked: Is a directory"), edited_lines(tmp_path / "kept" / "file"):
        pytest.fail("changed without a lock")
    assert read_lines(tmp_path / "file") is None
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize(("bits", "accepted"), [(0o700, True), (0o755, True), (0o1777, True), (0o770, False), (0o757, False)])
def test_a_file_in_a_folder_that_others_can_change_is_refused(tmp_path: Path, bits: int, accepted: bool) -> None:
    path = tmp_path / "a folder" / "file"
    write(path, b"x")
    path.parent.chmod(bits)
    if accepted:
        assert read(path) == b"x"
        return
    with pytest.raises(Exposed, match="can be changed by other users") as refusal:
        read(path)
    assert refusal.value.hint == f"`chmod go-w '{path.parent}'`"
    path.parent.chmod(0o700)
    assert read(path) == b"x"


def test_a_file_that_somebody_may_have_removed_is_no_absent_file(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(Exposed, match="can be changed by other users"):
        read(tmp_path / "open" / "file")
    assert read(tmp_path / "nowhere" / "file") is None


@pytest.mark.skipif(not ROOT, reason="only root can give a folder away")
def test_a_file_in_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "theirs" / "file", b"x")
    os.chown(tmp_path / "theirs", NOBODY, -1)
    with pytest.raises(Exposed, match=r"folder of .* belongs to another user"):
        read(tmp_path / "theirs" / "file")


def test_links_are_followed_only_where_they_may_be_and_what_they_lead_to_is_checked(tmp_path: Path) -> None:
    write(tmp_path / "real" / "file", b"x")
    (tmp_path / "link").symlink_to(tmp_path / "real" / "file")
    assert read(tmp_path / "link", links=True) == b"x"
    (tmp_path / "real").chmod(0o777)
    with pytest.raises(Exposed, match="can be changed by other users"):
        read(tmp_path / "link", links=True)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert read(tmp_path / "dangling", links=True) is None


def test_one_byte_order_mark_is_removed_and_utf_16_explained(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, b"\xef\xbb\xbfone\n")
    assert (read(path), read_lines(path)) == (b"one\n", ["one"])
    write(path, b"\xef\xbb\xbf\xef\xbb\xbftwo\n")
    assert read(path) == b"\xef\xbb\xbftwo\n"
    for text in ("le", "be"):
        write(path, (b"\xff\xfe" if text == "le" else b"\xfe\xff") + "three\n".encode(f"utf-16-{text}"))
        with pytest.raises(StoreError, match="is text in UTF-16") as refusal:
            read(path)
        assert refusal.value.hint == "Save it as UTF-8."


def test_a_new_file_takes_no_other_s_place(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    with pytest.raises(Unwritable, match="No such file or directory"):
        write_new(path, b"no folder is made for a name that may be misspelt")
    path.parent.mkdir()
    write_new(path, b"first")
    assert (read(path, secret=True), mode(path)) == (b"first", 0o600)
    with pytest.raises(FileExists, match="exists already"):
        write_new(path, b"second")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExists):
        write_new(tmp_path / "link", b"third")
    assert read(path) == b"first"
    assert [each.name for each in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_new_file_that_another_made_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    path, sync = tmp_path / "file", os.fsync

    def meanwhile(descriptor: int) -> None:
        path.write_bytes(b"theirs")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", meanwhile)
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(1, "Operation not permitted")))
    with pytest.raises(FileExists):
        write_new(path, b"ours")
    assert path.read_bytes() == b"theirs"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_no_new_file(tmp_path: Path) -> None:
    full = """if True:
        import resource, sys, pathlib
        from plytalk.trust.files import write_new
        from plytalk.trust.store_errors import StoreError
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        try:
            write_new(pathlib.Path(sys.argv[1]), b"new")
        except StoreError as trouble:
            print(trouble.sentence)
    """
    assert "could not be written: File too large." in python(full, tmp_path / "file").stdout
    assert list(tmp_path.iterdir()) == []
