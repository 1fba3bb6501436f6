"""Files of secrets and of trust, on a real file system."""

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from plytalk.core.files import Busy, Exposed, StoreError, edited_lines, folder, locked, place, read, read_lines, write

ROOT = os.geteuid() == 0
NOBODY = 65534


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("platform", "environ", "config", "data"),
    [
        ("linux", {"HOME": "/h"}, "/h/.config/plytalk", "/h/.local/share/plytalk"),
        ("linux", {"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d"}, "/c/plytalk", "/d/plytalk"),
        (
            "linux",
            {"HOME": "/h", "XDG_CONFIG_HOME": "relative", "XDG_DATA_HOME": ""},
            "/h/.config/plytalk",
            "/h/.local/share/plytalk",
        ),
        ("darwin", {"HOME": "/h"}, "/h/Library/Application Support/plytalk", "/h/Library/Application Support/plytalk"),
        ("win32", {"HOME": "/h", "APPDATA": "/r", "LOCALAPPDATA": "/l"}, "/r/plytalk", "/l/plytalk"),
        ("win32", {"HOME": "/h"}, "/h/AppData/Roaming/plytalk", "/h/AppData/Local/plytalk"),
        ("linux", {"HOME": "/h", "XDG_CONFIG_HOME": "/c", "PLYTALK_HOME": "/mine"}, "/mine", "/mine"),
    ],
)
def test_where_things_live(platform: str, environ: dict[str, str], config: str, data: str) -> None:
    assert folder("config", environ, platform) == Path(config)
    assert folder("data", environ, platform) == Path(data)


def test_what_the_user_writes_lives_with_the_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PLYTALK_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert {place("allow").parent, place("config.toml").parent} == {folder("config")}
    assert {place("known_hosts").parent, place("identity").parent} == {folder("data")}


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
    ran = python("import sys, pathlib; from plytalk.core.files import read; read(pathlib.Path(sys.argv[1]))", tmp_path / "pipe")
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
        from plytalk.core.files import write
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
        from plytalk.core.files import StoreError, write
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


def test_a_lock_excludes_writers_and_readers_but_readers_share(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with locked(path, shared=True, wait=0):  # nobody ever wrote: no lock, and none is left
        assert list(tmp_path.iterdir()) == []
    with locked(path):
        for shared in (False, True):
            with pytest.raises(Busy, match="lock of"), locked(path, shared=shared, wait=0):
                pytest.fail("two hold the lock")
    with locked(path, shared=True, wait=0), locked(path, shared=True, wait=0), pytest.raises(Busy), locked(path, wait=0):
        pytest.fail("a writer among readers")
    with locked(path, wait=0):
        pass


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    hold = """if True:
        import sys, pathlib
        from plytalk.core.files import locked
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
        with pytest.raises(Busy), locked(path, wait=0):
            pytest.fail("two hold the lock")
        holder.kill()
    with locked(path, wait=0):
        pass


def test_a_released_lock_is_free_though_a_forked_child_lives(tmp_path: Path) -> None:
    fork = """if True:
        import os, sys, pathlib
        from plytalk.core.files import locked
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
    for shared in (False, True):
        with pytest.raises(StoreError, match="cannot be locked"), locked(tmp_path / "file", shared=shared):
            pytest.fail("locked through a link")
    assert not (tmp_path / "elsewhere").exists()


def test_editing_keeps_every_byte_of_the_other_lines(tmp_path: Path) -> None:
    path = tmp_path / "file"
    odd = b"# caf\xe9 \x0b\x1c\x85\r\n\ntext\xff\n\xe2\x80\xa8"
    write(path, odd)
    with edited_lines(path) as lines:
        lines.append("new")
    assert read(path) == odd + b"\nnew\n"


def test_an_edit_that_fails_or_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, b"no newline at the end")
    before = path.stat()
    with edited_lines(path):
        pass
    with pytest.raises(ZeroDivisionError), edited_lines(path) as lines:
        lines.append(str(1 // 0))
    assert (path.stat().st_ino, read(path)) == (before.st_ino, b"no newline at the end")
