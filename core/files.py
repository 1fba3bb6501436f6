"""Files of secrets and of trust: where they live, how they are read and how they are written.

Reading refuses rather than guesses. Only a file that does not exist counts as absent; one that is a link, a folder, too
large, somebody else's, or open to others is an error, so that a check which cannot be made never looks like one that passed.

Writing is all or nothing. The new content goes to a new file beside the old one, which is 0600 from its first byte
(opening an existing file never narrows it), reaches the disk, and only then takes the old one's name. Who reads, decides and
writes does it under `locked`, a lock on a file of its own, since the file itself is replaced.
"""

import os
import secrets
import shlex
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import Literal

from plytalk.core.errors import LocalError

LIMIT = 1 << 20
"""The largest file read, in bytes: some ten thousand lines of trust."""

LOCK_WAIT = 5.0
"""How long to wait for another process's lock, in seconds."""

_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_FLAGS: int = _NOFOLLOW | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)
_POLL = 0.02
_BESIDE_THE_CONFIGURATION = {"config.toml", "allow"}


class StoreError(LocalError):
    """A file this program keeps cannot be used."""


class Exposed(StoreError):
    """A file is open to other users of this computer."""


class Corrupt(StoreError):
    """A line of a file cannot be understood."""

    def __init__(self, path: Path, line: int, why: str) -> None:
        super().__init__(
            f"{path}, line {line}: {why}.", f"Nothing in this file is trusted until line {line} is corrected or deleted."
        )
        self.path = path
        self.line = line


class Busy(StoreError):
    """Another program holds the lock of a file."""


def folder(kind: Literal["config", "data"], environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """The folder for what the user writes (`config`) or for what the program keeps (`data`).

    PLYTALK_HOME overrides both. Otherwise the XDG Base Directory Specification 0.8, which ignores relative paths, and
    each platform's custom on macOS and Windows. Raises StoreError if there is no home folder.
    """
    if own := environ.get("PLYTALK_HOME"):
        return Path(own).absolute()
    try:
        home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    except RuntimeError:
        raise StoreError("There is no home folder.", "Set PLYTALK_HOME to a folder of yours.") from None
    if platform == "darwin":
        return home / "Library" / "Application Support" / "plytalk"
    if platform == "win32":
        variable, fallback = {"config": ("APPDATA", "AppData/Roaming"), "data": ("LOCALAPPDATA", "AppData/Local")}[kind]
    else:
        variable, fallback = {"config": ("XDG_CONFIG_HOME", ".config"), "data": ("XDG_DATA_HOME", ".local/share")}[kind]
    base = environ.get(variable, "")
    return (Path(base) if PurePath(base).is_absolute() else home / fallback) / "plytalk"


def place(name: str) -> Path:
    """Where the file of this name lives: `config.toml` and `allow` with the configuration, all else with the data."""
    return folder("config" if name in _BESIDE_THE_CONFIGURATION else "data") / name


def read(path: Path, *, secret: bool = False, limit: int = LIMIT) -> bytes | None:
    """The content of a file, or None if there is none.

    The file must be a plain one of at most `limit` bytes, belong to this user or to root, and be writable by nobody else;
    a `secret` must be readable by nobody else either (OpenSSH's rule). Raises StoreError, and Exposed for the last two.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _FLAGS | _NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as trouble:
        if os.path.islink(path):
            raise StoreError(f"{path} is a symbolic link.", "Name the file it points to, or put the file itself there.") from None
        raise _unreadable(path, trouble) from None
    try:
        _check(path, os.fstat(descriptor), secret, limit)
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    except OSError as trouble:
        raise _unreadable(path, trouble) from None
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise _too_large(path, limit)
    return content


def write(path: Path, content: bytes) -> None:
    """Replace a file, whole or not at all, by one that only its owner can read. Makes its folder (0700) if need be.

    Raises StoreError; the old file is then as it was.
    """
    if os.path.islink(path):
        raise StoreError(f"{path} is a symbolic link and was not replaced.", "Name the file it points to.")
    if len(content) > LIMIT:
        raise _too_large(path, LIMIT)
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    try:
        make_folder(path.parent)
        _write_new(new, content)
        new.replace(path)
    except OSError as trouble:
        raise StoreError(
            f"{path} could not be written: {trouble.strerror}.", "Nothing was changed: make room, or name another file."
        ) from None
    finally:
        with suppress(OSError):
            new.unlink()
    with suppress(OSError):  # done by now: some file systems cannot sync a folder
        _sync(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, for this user alone (0700); one that exists stays as it is. Raises OSError."""
    for missing in reversed([each for each in (path, *path.parents) if not each.exists()]):
        missing.mkdir(0o700, exist_ok=True)


@contextmanager
def locked(path: Path, *, shared: bool = False, wait: float = LOCK_WAIT) -> Iterator[None]:
    """Hold the lock that all users of `path` respect: alone, or `shared` among those who only read.

    Raises Busy after `wait` seconds, StoreError if there can be no lock. A reader makes no lock file: where none exists,
    nobody writes.
    """
    descriptor = _open_lock(path, shared)
    if descriptor is None:
        yield
        return
    try:
        _acquire(path, lambda: _try_lock(descriptor, shared), wait)
        try:
            yield
        finally:
            _unlock(descriptor)
    finally:
        os.close(descriptor)


def read_lines(path: Path, wait: float = LOCK_WAIT) -> list[str] | None:
    """The lines of a file of trust, or None if there is none. Raises as `locked` and `read`."""
    with locked(path, shared=True, wait=wait):
        content = read(path)
    return None if content is None else _lines(content)


@contextmanager
def edited_lines(path: Path, wait: float = LOCK_WAIT) -> Iterator[list[str]]:
    """Read lines, let the caller change the list, write it, all under the lock. Raises as `locked`, `read` and `write`.

    Nothing is written if the caller raises or changes nothing. Bytes that are not UTF-8 survive.
    """
    with locked(path, wait=wait):
        before = _lines(read(path) or b"")
        lines = list(before)
        yield lines
        if lines != before:
            write(path, "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape"))


def _lines(content: bytes) -> list[str]:
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    return lines if lines[-1] else lines[:-1]


def _unreadable(path: Path, trouble: OSError) -> StoreError:
    return StoreError(f"{path} cannot be read: {trouble.strerror}.", "Look at its owner and its rights with `ls -l`.")


def _too_large(path: Path, limit: int) -> StoreError:
    return StoreError(f"{path} has more than {limit} bytes.", "Is it the right file?")


def _check(path: Path, status: os.stat_result, secret: bool, limit: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise StoreError(f"{path} is not a plain file.", "Put a plain file there, or name another one.")
    if status.st_size > limit:
        raise _too_large(path, limit)
    if sys.platform == "win32":
        return
    if status.st_uid not in (os.geteuid(), 0):
        raise Exposed(
            f"{path} belongs to another user.", f"Use a file of yours, or `chown {os.geteuid()} {shlex.quote(str(path))}`."
        )
    if secret and status.st_mode & 0o077:
        raise Exposed(f"{path} is a secret that other users can read or change.", f"`chmod 600 {shlex.quote(str(path))}`")
    if status.st_mode & 0o022:
        raise Exposed(f"{path} can be changed by other users.", f"`chmod go-w {shlex.quote(str(path))}`")


def _open_lock(path: Path, shared: bool) -> int | None:
    lock = path.with_name(f".{path.name}.lock")
    try:
        if shared:
            return os.open(lock, os.O_RDONLY | _FLAGS | _NONBLOCK)
        make_folder(path.parent)
        return os.open(lock, os.O_RDWR | os.O_CREAT | _FLAGS | _NONBLOCK, 0o600)
    except FileNotFoundError:
        if shared:
            return None
        raise StoreError(f"{path} cannot be locked: its folder disappeared.") from None
    except OSError as trouble:
        raise StoreError(f"{path} cannot be locked: {lock}: {trouble.strerror}.") from None


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _acquire(path: Path, attempt: Callable[[], bool], wait: float) -> None:
    deadline = time.monotonic() + wait
    while not attempt():
        if time.monotonic() >= deadline:
            raise Busy(f"Another program holds the lock of {path}.", "Try again when it has ended.")
        time.sleep(_POLL)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int, shared: bool) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

    def _sync(path: Path) -> None:
        """Windows cannot open a folder to sync it."""
else:
    import fcntl

    def _try_lock(descriptor: int, shared: bool) -> bool:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # not only closed: a forked child may hold the same descriptor

    def _sync(path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | _FLAGS)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
